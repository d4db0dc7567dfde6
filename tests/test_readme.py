"""The README's code runs as it stands there, and every flag that it names is there."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import measure
from pipelines import build_kg, evaluate, index, predict, query, serve
from pipelines.update import main as update_main
from pipelines.update import parser as update_parser

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
    assert found, f"README.md has no {language} block"
    return found


@pytest.fixture
def newcomers_folder(
    tmp_path: Path, session_folder: Path, draw: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The README's own Turtle file and the pictures that it names, in the folder where its code runs."""
    monkeypatch.chdir(tmp_path)
    turtle = blocks("turtle")[0]
    (tmp_path / "my.ttl").write_text(turtle, encoding="utf-8")
    (tmp_path / "more.ttl").write_text(blocks("turtle")[1], encoding="utf-8")
    (tmp_path / "alternative.rq").write_text(blocks("sparql")[0], encoding="utf-8")
    pictures = re.findall(r'schema:image "([^"]+)"', turtle)
    assert len(pictures) == 2
    for name, shape, colour in zip(pictures, ("circle", "box"), ("red", "blue"), strict=True):
        draw(tmp_path / name, shape, colour)
    draw(tmp_path / "photo.png", "box", "blue", 2).rename(tmp_path / "photo.jpg")
    return tmp_path


def test_the_python_of_the_readme_runs(newcomers_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scope: dict[str, object] = {"__name__": "readme"}
    for block in blocks("python"):
        code = compile(block, str(README), "exec")
        exec(code, scope)
    assert (newcomers_folder / "my_store" / "manifest.json").is_file()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3  # three products; concepts are no answers
    assert {"A red lamp", "A blue chair", "A wooden stool"} == {
        name for name in ("A red lamp", "A blue chair", "A wooden stool") for line in printed if name in line
    }
    assert "A red lamp" in printed[-1]


def test_the_commands_of_the_readme_run(newcomers_folder: Path) -> None:
    text = README.read_text(encoding="utf-8")
    commands = re.findall(r"^    (python -m pipelines\..*my_store.*)$", text, re.M)
    assert commands[0].split()[2] == "pipelines.build_kg"
    assert {line.split()[2] for line in commands} >= {
        "pipelines.query",
        "pipelines.predict",
        "pipelines.evaluate",
        "pipelines.update",
    }
    mains = {
        "build_kg": build_kg.main,
        "query": query.main,
        "predict": predict.main,
        "evaluate": evaluate.main,
        "update": update_main,
    }
    for line in commands:
        _, _, module, *flags = shlex.split(line)
        assert mains[module.removeprefix("pipelines.")](flags) == 0, line


def test_every_flag_that_the_readme_names_is_there() -> None:
    known: set[str] = set()
    commands = (build_kg, query, predict, evaluate, serve, index)
    for parser in (*(command.parser() for command in commands), update_parser(), measure.parser("")):
        assert isinstance(parser, argparse.ArgumentParser)
        known |= {flag for action in parser._actions for flag in action.option_strings}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README.read_text(encoding="utf-8")))
    assert named
    assert named - {"--nproc-per-node"} <= known, "torchrun has that one, we have the others"


def test_every_flag_of_the_issue_is_there() -> None:
    for module, flags in {
        "build_kg": "--out --media-root --encoder --fusion --epochs --seed --device --lenient --allow-remote",
        "query": "--store --text --image --audio --entity --weight --where -k --json",
        "predict": "--store --target --new --json --suggest",
        "evaluate": "--store --json --reconstructions --robustness",
        "update": "--add --remove",
    }.items():
        help_text = subprocess.run(
            [sys.executable, "-m", f"pipelines.{module}", "--help"], capture_output=True, text=True, cwd=ROOT
        ).stdout
        assert not [flag for flag in flags.split() if not re.search(rf"{flag}\b", help_text)]


def test_every_target_of_make_that_the_readme_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"^\s+make ([a-z]+)", README.read_text(encoding="utf-8"), re.M))
    assert named
    assert named <= targets


def test_the_map_of_the_folders_names_every_module_of_kg() -> None:
    text = README.read_text(encoding="utf-8")
    modules = {path.stem for path in (ROOT / "kg").glob("*.py")} - {"__init__"}
    assert not [name for name in sorted(modules) if not re.search(rf"\b{name}\b", text)]


def test_no_placeholder_is_left() -> None:
    assert not re.findall(r"@@\w+@@|TODO|FIXME", README.read_text(encoding="utf-8"))
