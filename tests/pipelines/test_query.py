"""The command that asks: what it prints for a person, what it prints for a program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.query import main


@pytest.mark.parametrize("module", ["query", "build_kg", "evaluate", "demo"])
def test_help_does_not_wait_for_torch(module: str) -> None:
    code = (
        f"import runpy, sys; sys.argv = ['{module}', '--help']\n"
        f"try: runpy.run_module('pipelines.{module}', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'torch', 'sentence_transformers', 'torchvision', 'librosa', 'rdflib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert f"python -m pipelines.{module}" in done.stdout


def test_json_is_one_array_best_first_and_nothing_else_on_stdout(store_folder: Path, collection: Any) -> None:
    command = [sys.executable, "-m", "pipelines.query", "--store", str(store_folder), "--json", "-k", "5"]
    command += ["--text", "a wild animal", "--image", str(collection.picture("wolf0"))]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[2], encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    hits = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert len(hits) == 5
    assert {tuple(hit) for hit in hits} == {("entity", "label", "score", "modalities", "path")}
    assert hits[0]["entity"] == collection.iri("wolf0")
    assert hits[0]["label"] == "A howling wolf"
    assert {"joint", "text", "image"} <= hits[0]["modalities"].keys()
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert all(len(step) == 3 for hit in hits for step in hit["path"])


def test_a_person_sees_scores_senses_and_the_path_of_facts(
    store_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["--store", str(store_folder), "--text", "a cat", "-k", "4"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "recognised in the question: cat" in out
    assert "cat <-about- A hungry cat" in out
    assert "joint 0." in out
    assert "4 of 31 entities that may answer" in out


def test_all_that_may_answer_are_counted(store_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    question = ["--text", "a cat", "--where", "?x schema:about ex:cat", "-k", "9"]
    assert main(["--store", str(store_folder), *question]) == 0
    assert "all 3 entities that may answer" in capsys.readouterr().out


def test_an_empty_answer_is_a_sentence_for_a_person_and_an_empty_array_for_a_program(
    store_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = ["--store", str(store_folder), "--text", "a cat", "--where", "?x schema:about ex:nothing"]
    assert main(question) == 0
    assert "no entity of the graph may answer" in capsys.readouterr().out
    assert main([*question, "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"


def test_weights_reach_the_search(
    store_folder: Path, collection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    question = ["--store", str(store_folder), "--json", "-k", "1", "--text", "a train"]
    question += ["--image", str(collection.picture("lemon1"))]
    assert main([*question, "--weight", "text=0", "--weight", "image=5"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["entity"] == collection.iri("lemon1")


def test_labels_and_questions_are_shown_as_they_are_and_never_as_markup(
    tmp_path: Path, session_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines import Settings, build

    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    facts = f'<urn:a> {label} "[/bold] a frog [red]" .\n<urn:b> {label} "{"long " * 1000}" .\n'
    (tmp_path / "facts.nt").write_text(facts)
    build([tmp_path / "facts.nt"], tmp_path / "store", settings=Settings(epochs=1))
    assert main(["--store", str(tmp_path / "store"), "--text", "frog [/red] [/]"]) == 0
    out = capsys.readouterr().out
    assert "[/bold] a frog [red]" in out
    assert "frog [/red] [/]" in out
    assert out.count("long") < 30


def test_ctrl_c_ends_without_a_traceback(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.search.retrieval.Searcher.search", stop)
    assert main(["--store", str(store_folder), "--text", "a cat"]) == 130
    assert capsys.readouterr() == ("", "")


def test_nots_and_preferences_reach_the_search_and_are_said_to_be_understood(
    store_folder: Path, collection: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    question = ["--store", str(store_folder), "--image", str(collection.picture("cat0")), "-k", "40"]
    question += ["--not-text", "a cat", "--not-text", "fruit", "--not-entity", "ex:drum"]
    question += ["--prefer", "?x schema:about ex:wolf=2.5", "--prefer", "?x schema:about ex:boat"]
    assert main(question) == 0
    out = capsys.readouterr().out
    assert "not: cat (by the facts, 3 entities left out)" in out
    assert "not: drum (by the facts, 3 entities left out)" in out
    assert "prefers: ?x schema:about ex:wolf (+2.5, 3 of 19 entities)" in out
    assert "prefers 2.50" in out
    assert "all 19 entities that may answer" in out
    assert "- text a cat - text fruit" in out
    assert main([*question, "--json"]) == 0
    out, err = capsys.readouterr()
    hits = json.loads(out)
    assert len(hits) == 19
    assert [hit["modalities"].get("prefers") for hit in hits[:3]] == [2.5] * 3
    assert sorted(hit["modalities"].get("prefers", 0) for hit in hits)[-6:] == [0.5] * 3 + [2.5] * 3
    assert err.splitlines()[0] == "not: cat (by the facts, 3 entities left out)"
    assert main([*question, "--explain"]) == 0
    assert "without the preferences: rank" in capsys.readouterr().out
