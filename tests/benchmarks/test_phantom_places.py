"""The phantom's places: what is inside a lesion, and what stands out without any class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks import phantom_places
from benchmarks.phantom_places import Circle, compare, most_active, read_circles
from data.medicine.phantom import PLACES, Settings, write_phantom


def test_a_place_is_inside_up_to_the_radius() -> None:
    circle = Circle(10, 20, 5)
    assert circle.holds(13, 24)
    assert not circle.holds(13, 24.01)


def test_the_circles_are_those_that_the_phantom_wrote(tmp_path: Path) -> None:
    write_phantom(tmp_path, Settings(studies=60, rare=1))
    circles = read_circles(tmp_path / PLACES)
    assert len(circles) == 60
    assert all(34 <= circle.radius <= 46 for circle in circles.values())
    assert next(iter(circles)) == "https://example.org/phantom/study/00000"


def test_what_stands_out_is_the_longest_cell() -> None:
    class Toy:
        def load(self, reference: Any) -> None: ...

        def regions(self, items: Sequence[Any]) -> Tensor:
            cells = torch.full((1, 4, 4, 2), 0.1)
            cells[0, 2, 1] = torch.tensor([-3.0, 4.0])
            return cells

    x, y = most_active(Toy(), Path("any"))  # type: ignore[arg-type]
    assert x == pytest.approx(96, abs=32)  # cells of 64 pixels
    assert y == pytest.approx(160, abs=32)


def test_the_rows_hold_the_mean_over_seeds_against_the_target_and_each_rival(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shares = iter([0.8, 1.0])

    def found(folder: Path, studies: int, seed: int, fusions: Sequence[str]) -> dict[str, Any]:
        return {name: {"found": next(shares), "middle": 0.4, "active": 0.95} for name in fusions}

    monkeypatch.setattr(phantom_places, "places_found", found)
    rows, details = compare((5, 6), 60, ("attention",))
    assert [round(row.ours, 6) for row in rows] == [0.9] * 3
    assert [row.holds for row in rows] == [True, True, False]
    assert "deviation 0.141" in rows[0].benchmark
    assert details.keys() == {"5", "6"}
