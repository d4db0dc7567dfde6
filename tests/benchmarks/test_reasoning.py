"""The facts that are inferred from, and that both sides infer alike from them."""

from __future__ import annotations

import json

import pytest

from benchmarks import reasoning
from benchmarks.reasoning import made_up, main, ours, owlrls


def test_the_facts_are_the_same_each_time_and_as_many_as_asked() -> None:
    assert made_up(400) == made_up(400)
    assert len(made_up(400).splitlines()) == 400 + 3 + 3  # four a thing, the properties', the classes'


def test_what_is_inferred_is_what_the_reference_derives() -> None:
    text = made_up(40)
    stated = {tuple(part.strip("<>") for part in line.split()[:3]) for line in text.splitlines()}
    inferred = ours(text)
    assert inferred
    assert inferred.isdisjoint(stated)
    assert inferred <= owlrls(text) - stated


def test_a_quick_run_reports_both_claims(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reasoning, "QUICK", 400)
    monkeypatch.setattr(reasoning, "QUICK_AGAINST_OWLRL", 40)
    assert main(["--quick"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()[1:]]
    assert [row["benchmark"] for row in rows] == [
        "reading 400 triples with their OWL 2 RL closure",
        "the OWL 2 RL closure of 40 triples, against owlrl",
    ]
