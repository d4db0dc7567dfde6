"""Several processes on one machine learn what one learns, agree or say why not, and notice that one has died.

This file is also what the processes run: ``python test_processes.py FUNCTION FOLDER``.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fusion.base import JointGraph
from kg.rdf import read
from kg.splits import Learning, Split
from pipelines.labels.split import Taught
from pipelines.labels.target import Target
from pipelines.labels.training import train_labels
from pipelines.senses.joint import Observations, joint_graph
from pipelines.settings import Settings
from pipelines.training import links as link_training
from pipelines.training import processes
from pipelines.training.alignment import train_alignment
from pipelines.training.checkpoint import kept_in
from pipelines.training.history import History
from pipelines.training.link_facts import LinkFacts
from pipelines.training.links import train_links

ROOT = Path(__file__).parents[3]
THINGS, CONCEPTS = 40, 8
SETTINGS = Settings(
    epochs=3,
    batch=16,
    structure_width=8,
    width=8,
    label_width=8,
    order=0,
    modality_dropout=0,
    feature_noise=0,
)
LONGER = replace(SETTINGS, epochs=8)


def silent(stage: str, done: int, total: int) -> None:
    pass


def started(function: str, folder: Path, count: int) -> list[subprocess.Popen[str]]:
    """Run a function of this file in so many processes, as torchrun would start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    about = {"WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
    return [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, function, str(folder)],
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "RANK": str(rank), "LOCAL_RANK": str(rank)}
            | {name: str(value) for name, value in about.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]


def ended(children: list[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """Exit status and error output of each."""
    return [(child.returncode, err) for child in children for _, err in [child.communicate(timeout=900)]]


def world(folder: Path) -> tuple[JointGraph, Tensor]:
    """Things that are about concepts, by facts and by two senses; and the facts."""
    path = folder / f"world{processes.rank()}.nt"
    lines = [f"<urn:t{n:02}> <urn:about> <urn:c{n % CONCEPTS}> ." for n in range(THINGS)]
    lines += [
        f"<urn:t{n:02}> <urn:near> <urn:t{n * 7 % THINGS:02}> ." for n in range(THINGS) if 6 * n % THINGS
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    graph = read([path])[0]
    random = torch.Generator().manual_seed(0)
    things = torch.arange(CONCEPTS, CONCEPTS + THINGS)
    features = {}
    for name in ("image", "text"):
        concepts = torch.randn(CONCEPTS, 12, generator=random)[torch.arange(THINGS) % CONCEPTS]
        features[name] = concepts + 0.3 * torch.randn(THINGS, 12, generator=random)
    joint = joint_graph(graph, Observations(features, dict.fromkeys(features, things)), SETTINGS)
    return joint, torch.from_numpy(graph.triples)


def in_double(joint: JointGraph) -> JointGraph:
    """The same graph in double precision."""
    assert joint.affinity is not None
    features = {name: rows.double() for name, rows in joint.features.items()}
    return replace(
        joint, features=features, log_weight=joint.log_weight.double(), affinity=joint.affinity.double()
    )


def link_facts(joint: JointGraph, triples: Tensor) -> LinkFacts:
    """So many to learn from that the last batch has a single one: fewer queries than three processes."""
    rows = np.random.default_rng(0).permutation(len(triples))
    return LinkFacts.of(joint, triples, Learning(np.sort(rows[:65]), np.sort(rows[65:])))


def learned(folder: Path) -> dict[str, Tensor]:
    """What each objective comes to where nothing is dropped out, in double precision."""
    found: dict[str, Tensor] = {}

    def take(name: str, model: nn.Module, history: History) -> None:
        found.update({f"{name}.{key}": value.clone() for key, value in model.state_dict().items()})
        found[f"{name}.losses"], found[f"{name}.scores"] = map(torch.tensor, (history.losses, history.scores))
        gradients = {key: weight.grad for key, weight in model.named_parameters() if weight.grad is not None}
        found.update({f"{name}.{key}.gradient": value.to_dense() for key, value in gradients.items()})

    joint, triples = world(folder)
    joint = in_double(joint)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.Dropout, "forward", lambda self, rows: rows)
        patch.setattr(link_training, "FRESH", 0.0)
        torch.set_default_dtype(torch.float64)
        try:
            # who samples draws for its own nodes, so that only the first step's others are the same
            sampled = replace(SETTINGS, neighbors=50, epochs=1, batch=128)
            for name, settings in (("full", SETTINGS), ("sampled", sampled)):
                take(name, *train_links(link_facts(joint, triples), settings, silent))
            concept = np.concatenate([np.arange(CONCEPTS), np.arange(THINGS) % CONCEPTS])
            things = np.arange(CONCEPTS, CONCEPTS + THINGS)
            known, asked = things[concept[things] < 6], things[concept[things] >= 6]
            structure = found["full.encoder.rows"]
            part = Learning(known, asked)
            take("alignment", *train_alignment(joint, structure, concept, part, SETTINGS, silent))
            names, nothing = ("a", "b", "c", "d"), np.arange(0)
            target = Target("urn:kind", things, np.arange(THINGS) % 4, names, np.full(4, -1), nothing)
            split = Split(np.arange(25), np.arange(25, 35), np.arange(35, THINGS))
            labeller = train_labels(joint, Taught.of(target, split), SETTINGS, silent)
            take("labels", labeller.model, labeller.history)
        finally:
            torch.set_default_dtype(torch.float32)
    return found


def learn_and_disagree(folder: Path) -> None:
    """Learn, write what came of it, and find that one process was given other settings."""
    with processes.together():
        save_file(learned(folder), folder / f"{processes.rank()}.safetensors")
        processes.same(lambda: {"inputs": "these", "settings": str(processes.rank() == 1)})


def learn_until_one_dies(folder: Path) -> None:
    """Learn links, with checkpoints; the second process is killed in the fourth epoch."""
    taken = []

    def report(stage: str, done: int, total: int) -> None:
        taken.append(done)
        if done == 3 and not processes.leads():
            os.kill(os.getpid(), signal.SIGKILL)

    with processes.together(), kept_in(folder, "key"):
        train_links(link_facts(*world(folder)), LONGER, report)


def test_three_processes_learn_what_one_learns_and_all_learn_the_same(
    three: tuple[Path, list[tuple[int, str]]], tmp_path: Path
) -> None:
    folder, _ = three
    first, *others = (load_file(folder / f"{rank}.safetensors") for rank in range(3))
    for other in others:
        assert other.keys() == first.keys()
        assert [name for name in first if not torch.equal(first[name], other[name])] == []
    alone = learned(tmp_path)
    assert {name.partition(".")[0] for name in alone} == {"full", "sampled", "alignment", "labels"}
    assert alone.keys() == first.keys()
    for name, value in alone.items():
        if not name.startswith("sampled.") or name.endswith((".gradient", ".losses")):
            torch.testing.assert_close(
                first[name], value, rtol=1e-6, atol=1e-6, msg=lambda told, name=name: f"{name}: {told}"
            )


def test_processes_that_were_given_different_things_all_say_so_in_the_same_words(
    three: tuple[Path, list[tuple[int, str]]],
) -> None:
    words = (
        "DisagreementError: expected all 3 processes to have the same settings (got others in process 1 "
        "than in process 0): start them with the same command, on files that all of them share"
    )
    assert [code for code, _ in three[1]] == [1] * 3
    assert all(err.splitlines()[-1].endswith(words) for _, err in three[1])


def test_when_one_dies_the_others_end_with_a_sentence_and_one_alone_goes_on(tmp_path: Path) -> None:
    began = time.monotonic()
    (code, err), (killed, _) = ended(started("learn_until_one_dies", tmp_path, 2))
    assert (code, killed) == (1, -signal.SIGKILL)
    assert time.monotonic() - began < 800  # a hanging one would be waited for a day
    assert err.splitlines()[-1].endswith(
        "LostError: expected all 2 processes to go on (another one ended, and says why where it could): "
        "the same command continues from what was kept"
    )
    taken: list[int] = []
    with kept_in(tmp_path, "key"):
        _, history = train_links(
            link_facts(*world(tmp_path)), LONGER, lambda stage, done, total: taken.append(done)
        )
    assert taken == [3, 4, 5, 6, 7, 8, 8]
    assert len(history.losses) == 8


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, str]]]:
    """The folder, exit status and error output of three processes that learned and then disagreed."""
    folder = tmp_path_factory.mktemp("three")
    return folder, ended(started("learn_and_disagree", folder, 3))


def test_in_one_process_nothing_is_shared() -> None:
    rows = torch.ones(3, 2, requires_grad=True)
    assert (processes.count(), processes.rank(), processes.leads()) == (1, 0, True)
    assert processes.share(5) == slice(0, 5)
    assert processes.gathered(rows, 3) is processes.summed(rows) is processes.agreed(rows) is rows
    processes.same(lambda: pytest.fail("asked"))
    with processes.together(), processes.first():
        processes.wait()


def test_rows_are_shared_without_gap_and_few_are_done_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count", lambda: 4)
    parts = []
    for rank in range(4):
        monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
        parts.append(processes.share(10))
        assert processes.share(3) == slice(0, 3)
    assert [row for part in parts for row in range(10)[part]] == list(range(10))
    assert (processes.sharers(10), processes.sharers(3)) == (4, 1)


def test_each_process_of_a_machine_needs_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(
        ValueError, match=r"^expected a GPU for each process of a machine \(got 1 for 2 or more\)"
    ):
        processes.own_gpu()


if __name__ == "__main__":
    torch.set_num_threads(1)
    globals()[sys.argv[1]](Path(sys.argv[2]))
