"""A checkpoint gives back what was kept, to the bit, and nothing that belongs to another training."""

from __future__ import annotations

import copy
import errno
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.training.checkpoint import (
    Checkpoint,
    digest_of,
    kept_in,
    moving_parts,
    next_checkpoint,
    set_moving_parts,
)


def test_what_was_written_comes_back_and_only_under_its_key(tmp_path: Path) -> None:
    file = Checkpoint(tmp_path / "deep" / "1_links.safetensors", "key")
    assert file.read() is None
    tensors = {"a": torch.arange(3), "b": torch.tensor(0.1, dtype=torch.float64)}
    file.write(tensors, {"losses": [0.1, float("inf")]})
    found = file.read()
    assert found is not None
    assert found[0].keys() == tensors.keys()
    assert all(torch.equal(found[0][name], value) for name, value in tensors.items())
    assert found[1] == {"losses": [0.1, float("inf")]}
    assert Checkpoint(file.path, "other").read() is None
    assert [path.name for path in file.path.parent.iterdir()] == ["1_links.safetensors"]
    file.path.write_bytes(file.path.read_bytes()[:40])
    assert file.read() is None


def test_a_disk_that_is_full_leaves_what_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Checkpoint(tmp_path / "1.safetensors", "key")
    file.write({"a": torch.ones(1)}, {})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        file.write({"a": torch.zeros(1)}, {})
    found = file.read()
    assert found is not None
    assert found[0]["a"].item() == 1


def test_objectives_have_a_file_each_in_the_order_in_which_they_begin(tmp_path: Path) -> None:
    assert next_checkpoint("links") is None
    for _ in range(2):
        with kept_in(tmp_path, "key"):
            names = [next_checkpoint(name) for name in ("links", "labels of urn:a/b", "links")]
            assert [one and one.path.name for one in names] == [
                "1_links.safetensors",
                "2_labels_of_urn_a_b.safetensors",
                "3_links.safetensors",
            ]
    assert next_checkpoint("links") is None


class Work:
    """Two optimizers of a kind each, and what is drawn by two generators and by torch."""

    def __init__(self) -> None:
        self.rows, self.other = torch.nn.Parameter(torch.ones(5, 2)), torch.nn.Parameter(torch.ones(2))
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.SparseAdam([self.rows], lr=0.1),
            torch.optim.Adam([self.other], lr=0.1),
        ]
        self.generators = torch.Generator().manual_seed(1), np.random.default_rng(2)

    def step(self) -> list[float]:
        place = torch.randint(5, (2,), generator=self.generators[0])
        seen = torch.nn.functional.embedding(place, self.rows, sparse=True)
        loss = (seen * self.other * torch.rand(2)).square().sum() * self.generators[1].random()
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        return [*self.rows.detach().flatten().tolist(), *self.other.detach().tolist()]


def test_optimizers_and_generators_go_on_as_if_never_stopped() -> None:
    torch.manual_seed(3)
    one = Work()
    for _ in range(3):
        one.step()
    kept = copy.deepcopy(moving_parts(one.optimizers, one.generators))
    weights = one.rows.detach().clone(), one.other.detach().clone()
    goes_on = [one.step() for _ in range(3)]
    torch.manual_seed(99)
    two = Work()
    with torch.no_grad():
        two.rows.copy_(weights[0])
        two.other.copy_(weights[1])
    set_moving_parts(two.optimizers, two.generators, *kept)
    assert [two.step() for _ in range(3)] == goes_on


def test_the_digest_tells_names_contents_and_kinds_apart(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    rows = torch.arange(6)
    different = [
        [tmp_path],
        [rows],
        [rows.view(2, 3)],
        [rows.to(torch.int32)],
        [rows, rows],
        ["1"],
        ["1", "2"],
        ["12"],
    ]
    found = [digest_of(parts) for parts in different]
    assert len(set(found)) == len(found)
    assert [digest_of(parts) for parts in different] == found
    (tmp_path / "a").write_text("2")
    assert digest_of([tmp_path]) != found[0]
    assert digest_of([rows.view(2, 3).t().contiguous().t()]) == found[2]
