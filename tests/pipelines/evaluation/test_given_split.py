"""A user's own split through the command: what is wrong with it is named, counted and refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.evaluate import main
from pipelines.evaluation.given_split import read_split

TRAIN = [
    ("a", "likes", "b"),
    ("b", "likes", "c"),
    ("c", "likes", "d"),
    ("d", "knows", "a"),
    ("a", "knows", "c"),
]
VALID = [("b", "knows", "d")]
TEST = [("c", "knows", "b"), ("d", "likes", "a")]
Facts = list[tuple[str, str, str]]


def write(path: Path, facts: Facts) -> Path:
    if path.suffix == ".nt":
        lines = [" ".join(f"<urn:{name}>" for name in fact) + " .\n" for fact in facts]
    else:
        lines = ["\t".join(fact) + "\n" for fact in facts]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def split_of(folder: Path, ending: str = ".tsv", **parts: Facts) -> dict[str, list[Path]]:
    whole = {"train": TRAIN, "valid": VALID, "test": TEST} | parts
    return {part: [write(folder / f"{part}{ending}", facts)] for part, facts in whole.items()}


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def command(files: dict[str, list[Path]], *flags: str) -> tuple[int, str, str]:
        capfd.readouterr()
        named = [text for part, paths in files.items() for text in (f"--{part}", str(paths[0]))]
        code = main([*named, "--seeds", "1", "--epochs", "2", *flags])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return command


Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("ending", [".tsv", ".txt", ".nt"])
def test_ids_follow_the_sorted_names_of_all_parts(tmp_path: Path, ending: str) -> None:
    split = read_split(split_of(tmp_path, ending))
    prefix = "urn:" if ending == ".nt" else ""
    assert split.graph.entities.to_pylist() == [prefix + name for name in "abcd"]
    assert split.graph.relations.to_pylist() == [prefix + name for name in ("knows", "likes")]
    assert split.graph.triples.tolist() == [[0, 0, 2], [0, 1, 1], [1, 1, 2], [2, 1, 3], [3, 0, 0]]
    assert split.valid.tolist() == [[1, 0, 3]]
    assert split.test.tolist() == [[2, 0, 1], [3, 1, 0]]
    assert split.remarks == ()


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (
            {"test": [*TEST, ("a", "hates", "b"), ("c", "fears", "b"), ("b", "hates", "d")]},
            "expected relations of --test that --train has facts of (got 2 without any, in 3 facts: "
            "fears, hates): leave them out, or move some to --train",
        ),
        (
            {"valid": [("a", "hates", "b")]},
            "expected relations of --valid that --train has facts of (got 1 without any, in 1 fact: hates)",
        ),
        ({"test": []}, "expected facts between entities in --test (got none in "),
        ({"valid": []}, "expected facts between entities in --valid (got none in "),
        (
            {"test": [*TEST, TRAIN[4], TRAIN[0]]},
            "expected no fact in both --train and --test (got 2 facts of 4 in --test: a knows c): "
            "leave them out of one, or pass --allow-leakage",
        ),
        (
            {"valid": [TEST[0]]},
            "expected no fact in both --valid and --test (got 1 fact of 2 in --test: c kn",
        ),
        ({"test": [("a", "knows", "")]}, "test.tsv:1: expected head, relation and tail between tabs (got "),
    ],
)
def test_what_is_wrong_with_a_split_is_one_sentence(
    tmp_path: Path, run: Run, parts: dict[str, Facts], sentence: str
) -> None:
    code, out, err = run(split_of(tmp_path, **parts))
    assert code == 1
    assert out == ""
    assert sentence in err
    assert err.strip().startswith("error: ")
    assert "\n" not in err.strip()


def test_an_empty_rdf_file_and_one_that_is_not_there_are_one_sentence(tmp_path: Path, run: Run) -> None:
    code, _, err = run(split_of(tmp_path, ".nt", test=[]))
    assert code == 1
    assert "test.nt: expected RDF (got an empty file)" in err
    for name in ("gone.tsv", "gone.nt"):
        code, _, err = run(split_of(tmp_path) | {"test": [tmp_path / name]})
        assert code == 1
        assert f"{name}: expected a file" in err


def test_leakage_that_is_allowed_is_counted_in_the_result(tmp_path: Path, run: Run) -> None:
    files = split_of(tmp_path, test=[*TEST, TRAIN[0]])
    code, out, _ = run(files, "--allow-leakage", "--json")
    assert code == 0
    result: dict[str, Any] = json.loads(out)
    told = "--train holds 1 fact of 3 in --test, so that scores are too high: a likes b"
    assert result["remarks"] == [told]
    assert result["leakage"]["duplicates"] == 1
    assert result["leakage"]["facts"] == 3
    assert result["links"]["links (filtered, both directions)"]["queries"] == 6


def test_entities_that_training_never_saw_are_counted_and_have_rows_of_their_own(
    tmp_path: Path, run: Run
) -> None:
    files = split_of(tmp_path, test=[*TEST, ("e", "likes", "f"), ("a", "likes", "f")])
    code, out, _ = run(files, "--json")
    assert code == 0
    result: dict[str, Any] = json.loads(out)
    told = "--test asks for 2 entities that --train has no fact of, in 2 facts: e, f"
    assert result["remarks"] == [told]
    for scorer in ("links", "completion"):
        assert result["links"][f"{scorer}, entities that training never saw"]["queries"] == 4
        assert result["links"][f"{scorer}, entities that training saw"]["queries"] == 4
    code, out, _ = run(files)
    assert code == 0
    assert told in " ".join(out.split())


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--train", "a.tsv"], "expected --valid FILE and --test FILE beside --train"),
        (["--store", "a", "--test", "b.tsv"], "expected --train FILE beside --test (got none)"),
        (["--store", "a", "--allow-leakage"], "expected --train FILE beside --allow-leakage (got none)"),
    ],
)
def test_flags_that_do_not_fit_are_one_sentence(
    flags: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(flags) == 1
    assert sentence in capsys.readouterr().err
