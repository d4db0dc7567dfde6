"""Solutions of a SELECT as an Arrow table; it knows what a term has (a value, a datatype), no RDF library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

XSD = "http://www.w3.org/2001/XMLSchema#"
_WHOLE = ("integer", "int", "long", "short", "nonNegativeInteger", "positiveInteger", "unsignedInt")
_COLUMNS = {
    **{XSD + name: pa.int64() for name in _WHOLE},
    **{XSD + name: pa.float64() for name in ("decimal", "double", "float")},
}
"""What a column becomes whose values all have such a datatype; a mix of both is of floats."""

_KINDS = {"NamedNode": "uri", "BlankNode": "bnode", "Literal": "literal"}
"""What a term is called in JSON; anything else is a triple."""


def as_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> pa.Table:
    """Put solutions into columns: numbers where all values are numbers, else texts; null where unbound.

    Args:
        names: the variables.
        rows: their terms in each solution, None where one is unbound.
    """
    columns = zip(*rows, strict=True)
    filled = {name: _column(terms) for name, terms in zip(names, columns, strict=False)}
    return pa.table({name: filled.get(name, pa.array([], pa.string())) for name in names})


def as_bindings(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Write solutions as SPARQL 1.1 Query Results JSON has them; a variable that is unbound is left out.

    Args:
        names: the variables.
        rows: their terms in each solution, None where one is unbound.
    """
    return [
        {name: as_json(term) for name, term in zip(names, row, strict=True) if term is not None}
        for row in rows
    ]


def as_json(term: Any) -> dict[str, Any]:
    """Write one term as those results have it."""
    kind = _KINDS.get(type(term).__name__)
    if kind is None:
        parts = {part: as_json(getattr(term, part)) for part in ("subject", "predicate", "object")}
        return {"type": "triple", "value": parts}
    out = {"type": kind, "value": term.value}
    if kind == "literal" and term.language:
        out["xml:lang"] = term.language
    elif kind == "literal" and (datatype := _datatype(term)) != XSD + "string":
        out["datatype"] = datatype
    return out


def _column(terms: Sequence[Any]) -> pa.Array:
    texts = pa.array([getattr(term, "value", None) for term in terms], pa.string())
    kinds = {_COLUMNS.get(_datatype(term)) for term in terms if term is not None}
    if not kinds or None in kinds:
        return texts
    try:
        return texts.cast(pa.float64() if len(kinds) > 1 else kinds.pop())
    except pa.ArrowInvalid:  # too large, or written as no number is
        return texts


def _datatype(term: Any) -> str:
    return str(getattr(getattr(term, "datatype", None), "value", ""))
