"""What is drawn from, which facts are asked, what decides, on numbers worked by hand; each part, small."""

from __future__ import annotations

import gzip
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import sampling
from benchmarks.sampling import part, random_facts, scored, split_of, spread
from kg.rdf import read


def test_the_graph_has_ten_edges_a_node_on_average_and_all_relations() -> None:
    facts = random_facts(10_000)
    assert facts.shape == (5_000, 3)
    assert facts.min() == 0
    assert facts.amax(0).tolist() == [999, sampling.RELATIONS - 1, 999]
    degree = torch.bincount(facts[:, [0, 2]].reshape(-1), minlength=1_000)
    assert degree.float().mean() == 10
    assert torch.equal(facts, random_facts(10_000))


def test_the_given_facts_are_asked_and_the_others_train(tmp_path: Path) -> None:
    (tmp_path / "all.nt").write_text("".join(f"<x:a> <x:r> <x:{tail}> .\n" for tail in "bcde"))
    graph, _ = read([tmp_path / "all.nt"])
    valid = torch.from_numpy(graph.triples[[2, 0]])
    split = split_of(graph, valid)
    assert (split.train.tolist(), split.valid.tolist()) == ([1, 3], [0, 2])
    with pytest.raises(ValueError, match="expected validation facts that are in the graph"):
        split_of(graph, valid + 1)


def test_the_kept_scores_decide_in_the_mean() -> None:
    full = [[0.1, 0.3], [0.2, 0.1]]
    found = {"sampled": [[0.29, 0.2], [0.1, 0.2]], "full": full}
    row = scored(found, 4)
    assert (row.ours, row.rival) == pytest.approx((0.245, 0.25))
    assert row.holds
    assert not scored({"sampled": [[0.28], [0.2]], "full": full}, 4).holds
    # of two values, the difference over the square root of 2
    assert spread(found) == pytest.approx({"sampled": 0.09 / 2**0.5, "full": 0.1 / 2**0.5})
    assert spread({"full": [[0.1, 0.3]]}) == {"full": None}


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are told by Linux")
def test_a_step_is_measured_apart_from_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SCORED", replace(sampling.SCORED, neighbors=2))
    found = part("hold:2000:4", Path())
    assert found["before"] > found["step"] >= 0


def test_a_small_draw_and_a_training_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [f"<x:{head}> <x:r> <x:{tail}> .\n" for head in range(10) for tail in range(10) if head != tail]
    for name, lines in (("train_minus_valid", facts[5:]), ("valid", facts[:5])):
        with gzip.open(tmp_path / f"{name}.nt.gz", "wt") as file:
            file.writelines(lines)
    threads = torch.get_num_threads()
    try:
        assert min(part("draw:1000:1", tmp_path).values()) > 0
        monkeypatch.setattr(sampling, "SCORED", replace(sampling.SCORED, structure_width=8))
        for neighbors in (0, 3):
            (first,) = part(f"score:1:0:{neighbors}", tmp_path)["scores"]
            assert 0.1 <= first <= 1  # of ten entities the last place gives 0.1
            assert part(f"score:1:0:{neighbors}", tmp_path)["scores"] == [first]
    finally:
        torch.set_num_threads(threads)
