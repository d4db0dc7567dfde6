"""The house rules that a reader relies on, read from the source: who imports whom, and what nobody does."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("kg", "encoders", "fusion", "pipelines", "data")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
READS_RDF = {"rdf", "rdf_file", "rdf_exchange", "endpoint", "sparql", "source", "graph", "pieces"} | {
    *("closure", "supplement", "patterns", "construct", "fixpoint", "consistency", "shapes", "reasoner"),
    *("statements", "consequences", "sparql_client", "endpoint_facts"),
}
GROUND = {"settings", "files", "wording"}
FLOORS = (
    *("senses", "training", "store", "labels", "building", "updating", "search", "prediction"),
    *("evaluation", "drawing", "service", "page"),
)
"""The folders of pipelines: each may import those before it, and all may import the ground."""
EXTRAS = {
    "test_architecture",
    "test_readme",
    "test_bad_input",
    "test_bad_labels",
    "test_stamps",
    "test_encoders",
    "test_manufacturing",
    "test_notebooks",
}


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in it; relative ones resolved."""
    names = set()
    home = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(home[: -node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name.partition(".")[0] in {*PACKAGES, "tests"}}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_keeps_the_rules_of_the_house(path: Path) -> None:
    home = path.relative_to(ROOT).parts[0]
    foreign = {name for name in ours(path) if name.partition(".")[0] != home}
    if home in ("kg", "encoders", "data"):
        assert not foreign
    if home == "fusion":
        assert all(name.startswith(("kg.attention", "kg.diffusion", "kg.sparse")) for name in foreign)
    if {"rdflib", "pyoxigraph"} & {name.partition(".")[0] for name in imports(path)}:
        assert (home, path.stem in READS_RDF) == ("kg", True)
    assert not {"pickle", "marshal", "shelve", "dill", "joblib", "yaml"} & imports(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            flags = {flag.arg: ast.unparse(flag.value) for flag in node.keywords}
            assert called not in ("eval", "exec", "compile", "__import__")
            assert called != "torch.load" or flags.get("weights_only") == "True"
            assert called not in ("np.load", "numpy.load") or flags.get("allow_pickle") == "False"


def above(path: Path) -> set[str]:
    """What a file of pipelines imports from floors above its own, which is none of its business."""
    _, floor, *rest = path.relative_to(ROOT).with_suffix("").parts
    if not rest and floor not in GROUND:
        return set()  # the commands and what belongs to them stand on the roof
    below = {*FLOORS[: FLOORS.index(floor) + 1]} if rest else set()
    used = {name.split(".")[1] for name in imports(path) if name.startswith("pipelines.")}
    return used - below - GROUND


@pytest.mark.parametrize("floor", [*FLOORS, "."])
def test_pipelines_import_one_way(floor: str) -> None:
    for path in sorted((ROOT / "pipelines" / floor).glob("*.py")):
        assert not above(path), f"{path} imports from a floor above its own: {', '.join(sorted(above(path)))}"


def test_every_folder_of_pipelines_is_a_floor_and_is_installed_with_all_its_files() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    floors = {path.parent.name for path in (ROOT / "pipelines").glob("*/*.py")}
    others = [
        path for path in (ROOT / "pipelines").rglob("*") if path.suffix in (".css", ".html", ".tsv", ".json")
    ]
    assert floors == {*FLOORS}
    assert {f"pipelines.{floor}" for floor in floors} <= {*setup["packages"]}
    for path in others:
        assert path.name in setup["package-data"][f"pipelines.{path.parent.name}"]


def test_every_test_mirrors_a_source_file() -> None:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        folder = ROOT / path.relative_to(ROOT / "tests").parent
        source = folder / f"{path.stem.removeprefix('test_')}.py"
        assert path.stem in EXTRAS or source.is_file(), f"{path} mirrors no source file"


def test_the_rules_see_what_they_forbid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "kg").mkdir()
    bad = tmp_path / "kg" / "bad.py"
    for line in ("import pipelines.store.store", "from fusion import base", "import pickle", "eval('1')"):
        bad.write_text(f"def late() -> None:\n    {line}\n")
        with pytest.raises(AssertionError):
            test_a_file_keeps_the_rules_of_the_house(bad)
    bad.write_text("from .attention import unit\nfrom . import texts\n")
    assert imports(bad) == {"kg.attention", "kg.attention.unit", "kg", "kg.texts"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from pipelines.training.links import LinkModel", set()),
        ("from pipelines.store import manifest", set()),
        ("from pipelines.search.cards import style", {"search"}),
        ("from pipelines import search", {"search"}),
        ("from pipelines import Searcher", {"Searcher"}),
        ("import pipelines.query", {"query"}),
        ("from ..page import words", {"page"}),
    ],
)
def test_a_floor_above_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, found: set[str]
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    low = tmp_path / "pipelines" / "store" / "states.py"
    low.parent.mkdir(parents=True)
    low.write_text(f"def late() -> None:\n    {line}\n")
    assert above(low) == found
