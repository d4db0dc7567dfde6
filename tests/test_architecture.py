"""The house rules that a reader relies on, read from the source: who imports whom, and what nobody does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("kg", "encoders", "fusion", "pipelines", "data")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
READS_RDF = {"rdf", "rdf_file", "rdf_exchange", "endpoint", "sparql", "source", "graph", "pieces"} | {
    *("closure", "supplement", "patterns", "construct", "fixpoint", "consistency", "shapes", "reasoner"),
    *("statements", "consequences", "sparql_client", "endpoint_facts"),
}
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
