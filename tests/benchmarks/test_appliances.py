"""The appliances benchmark reads the wheel's format, and opens the test part with what validation chose."""

from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import appliances
from benchmarks.appliances import Part, read_part, score, statistics_of


def test_a_part_is_read_from_the_wheel_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "datasets" / "data" / "TOY"
    folder.mkdir(parents=True)
    (folder / "TOY_TRAIN.ts").write_text("#about: it\n@problemName TOY\n@data\n1,2.5,-3:0\n4:10\n\n", "utf-8")
    spec = ModuleSpec("sktime", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(appliances.importlib.util, "find_spec", lambda name: spec)
    part = read_part("TOY", "TRAIN")
    assert [recording.tolist() for recording in part.recordings] == [[1, 2.5, -3], [4]]
    assert part.kinds.tolist() == ["0", "10"]
    monkeypatch.setattr(appliances.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="expected the package sktime"):
        read_part("TOY", "TRAIN")


def test_the_forest_gets_finite_statistics_of_any_length() -> None:
    rows = statistics_of([np.zeros(100), np.arange(50.0), np.random.default_rng(0).normal(size=1000)])
    assert rows.shape[0] == 3
    assert np.isfinite(rows).all()
    assert rows[:, -1].tolist() == [100, 50, 1000]


def test_what_validation_prefers_is_what_the_test_sees() -> None:
    from sklearn.dummy import DummyClassifier
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(0)
    kinds = np.array(["a", "b"] * 20)
    rows = rng.normal(size=(40, 2)) + 9 * (kinds == "a")[:, None]
    part = Part([], kinds)

    def models() -> Iterator[tuple[str, Any]]:
        yield "always the commonest", DummyClassifier()
        yield "the nearest", KNeighborsClassifier(1)

    found = score(models(), rows, rows[::-1], (part, Part([], kinds[::-1])), seed=0)
    assert found == {"chosen": "the nearest", "validation": 1.0, "test": 1.0}
