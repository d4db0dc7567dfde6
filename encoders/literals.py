"""Numeric literals as columns: parsed, and each predicate in one unit. Knows no graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .lexical import DATATYPES, XSD, parse_literals
from .units import affine, is_unit, local_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Numbers:
    """Numeric literals as columns.

    Shapes: entity (m,) int64, predicate (m,) int64 into names, value (m,) float64, all finite.
    """

    entity: NDArray[np.int64]
    predicate: NDArray[np.int64]
    value: Floats
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        sizes = (len(self.entity), len(self.predicate), len(self.value))
        if len(set(sizes)) > 1:
            raise ValueError(f"expected columns of one length (got {sizes})")
        if sizes[0] and not 0 <= self.predicate.min() <= self.predicate.max() < len(self.names):
            raise ValueError(f"expected predicates below {len(self.names)} (got others)")
        if not np.isfinite(self.value).all():
            raise ValueError("expected finite values (got others)")


@dataclass(frozen=True)
class ReadNumbers:
    """What became of literals: their numbers, which row each came from, and a sentence for each that failed.

    Literals of other datatypes are in neither: they are no numbers and no problem. `units` has the unit that
    the values of each predicate were brought to, where units were stated.
    """

    numbers: Numbers
    rows: NDArray[np.int64]
    problems: list[tuple[int, str]]
    units: dict[str, str] = field(default_factory=dict)


def read_numbers(
    entity: NDArray[np.int64],
    predicate: NDArray[np.int64],
    names: Sequence[str],
    values: Sequence[str],
    datatypes: Sequence[str],
    units: Sequence[str | None] | None = None,
    wanted: Mapping[str, str] | None = None,
) -> ReadNumbers:
    """Parse literals and bring the values of each predicate to its most common unit.

    A unit may stand as the datatype of a literal. A value without a unit is taken to be in the common one.

    Args:
        entity: of each literal.
        predicate: of each literal, an index into `names`.
        names: IRIs of the predicates.
        values: the written forms.
        datatypes: IRIs of the datatypes.
        units: QUDT unit of each literal whose datatype is none, None where none is stated.
        wanted: the unit of a predicate, by its IRI, where it is known already; else its commonest.
    """
    quantities = {kind for kind in set(datatypes) if is_unit(kind)}
    if quantities:
        stated = units or [None] * len(datatypes)
        units = [kind if kind in quantities else one for kind, one in zip(datatypes, stated, strict=True)]
        datatypes = [XSD + "double" if kind in quantities else kind for kind in datatypes]
    value = parse_literals(values, datatypes)
    numeric = np.fromiter((kind in DATATYPES for kind in datatypes), dtype=bool, count=len(value))
    problems = [
        (row, f"expected {_short(datatypes[row])} (got {values[row][:40]!r} for {names[predicate[row]]})")
        for row in np.flatnonzero(numeric & np.isnan(value)).tolist()
    ]
    common: dict[int, str] = {}
    if units is not None:
        common = _common(value, predicate, units)
        common |= {key: unit for key in common if (unit := (wanted or {}).get(names[key])) is not None}
        problems += _convert(value, predicate, names, units, common)
    rows = np.flatnonzero(np.isfinite(value))
    numbers = Numbers(entity[rows], predicate[rows], value[rows], tuple(names))
    return ReadNumbers(numbers, rows, sorted(problems), {names[key]: unit for key, unit in common.items()})


def _common(value: Floats, predicate: NDArray[np.int64], units: Sequence[str | None]) -> dict[int, str]:
    """The commonest unit of each predicate that has one."""
    counts: dict[int, Counter[str]] = {}
    for row, unit in enumerate(units):
        if unit and np.isfinite(value[row]):
            counts.setdefault(int(predicate[row]), Counter())[unit] += 1
    return {key: min(count, key=lambda unit: (-count[unit], unit)) for key, count in counts.items()}


def _convert(
    value: Floats,
    predicate: NDArray[np.int64],
    names: Sequence[str],
    units: Sequence[str | None],
    common: Mapping[int, str],
) -> list[tuple[int, str]]:
    """Convert in place; what cannot be converted becomes NaN and a sentence."""
    stated = [(row, unit) for row, unit in enumerate(units) if unit and np.isfinite(value[row])]
    problems = []
    for row, unit in stated:
        target = common[int(predicate[row])]
        scale = affine(unit, target)
        if scale is None:
            value[row] = np.nan
            wanted = f"a unit that converts to {local_name(target)}"
            name = names[predicate[row]]
            problems.append((row, f"expected {wanted}, as most values of {name} (got {local_name(unit)})"))
        else:
            value[row] = scale[0] * value[row] + scale[1]
    return problems


def _short(datatype: str) -> str:
    return "xsd:" + datatype.partition("#")[2]
