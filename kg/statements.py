"""What was stated, as lines of canonical N-Quads, and a change of it: lines that come and lines that go.

Blank nodes stand as the IRIs that reading gave them (see `kg.nquads`). In what is to go, a blank node that
the facts do not know stands for the one node of which all its statements are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyoxigraph as ox

from kg.inferred import INFERRED
from kg.rewriting import BLANK

_MANY = 50_000  # statements that are too many for one transaction
_SUBJECT_AND_PREDICATE = r"^(?P<key><[^>]*> <[^>]*> )"


class ChangeError(ValueError):
    """A change that cannot be made; the text is one sentence."""


@dataclass(frozen=True)
class Change:
    """What becomes of the statements.

    `lines` are all of them after the change; `added` and `removed` are what came and went, `present` counts
    those that were to come and are there already, `absent` has those that were to go and are not there.
    """

    lines: pa.LargeStringArray
    added: list[str]
    removed: list[str]
    present: int
    absent: list[str]


def stated_lines(file: Path, rdf: Path) -> pa.LargeStringArray:
    """The statements, each once: of the file that reading left, else of an Oxigraph store.

    The latter writes numbers and dates in its own way, "1.50" as "1.5".
    """
    if file.is_file():
        return _lines(ox.serialize(ox.parse(path=file, format=_QUADS, lenient=True), format=_QUADS) or b"")
    lines = _lines(ox.Store.read_only(str(rdf)).dump(format=_QUADS) or b"")
    return lines.filter(pc.invert(pc.match_substring(lines, f" <{INFERRED}")))


def written(lines: pa.LargeStringArray, file: Path) -> None:
    """Write statements, one a line."""
    with file.open("wb") as out:
        for start in range(0, len(lines), _MANY):
            out.write("".join(f"{line}\n" for line in lines[start : start + _MANY].to_pylist()).encode())


def changed(stated: pa.LargeStringArray, add: Path | None, remove: Path | None, rdf: Path) -> Change:
    """Take statements out, then bring others in.

    Args:
        stated: what is stated before.
        add: a file of N-Quads with what is to come.
        remove: one with what is to go.
        rdf: the Oxigraph store of what is stated before.

    Raises:
        ChangeError: several nodes fit a blank node of what is to go.
    """
    come, go = (_lines(b"") if file is None else stated_lines(file, rdf) for file in (add, remove))
    go = _with_blanks(go, stated, rdf)
    there = pc.is_in(go, value_set=stated)
    kept = stated.filter(pc.invert(pc.is_in(stated, value_set=go)))
    fresh = come.filter(pc.invert(pc.is_in(come, value_set=kept)))
    return Change(
        lines=pa.concat_arrays([kept, fresh]),
        added=fresh.to_pylist(),
        removed=go.filter(there).to_pylist(),
        present=len(come) - len(fresh),
        absent=go.filter(pc.invert(there)).to_pylist(),
    )


def change_store(old: Path, new: Path, change: Change) -> None:
    """Write an Oxigraph store with the change beside the old one, with which it shares what is the same."""
    ox.Store.read_only(str(old)).backup(str(new))
    store = ox.Store(str(new))
    for quad in _parsed(change.removed):
        store.remove(quad)
    # the store knows numbers by their value: another spelling of one that went may still be stated
    typed = [line for line in change.removed if '"^^<' in line]
    come = change.added + (_alike(change.lines, typed) if typed else [])
    (store.extend if len(come) < _MANY else store.bulk_extend)(_parsed(come))
    store.flush()


_QUADS = ox.RdfFormat.N_QUADS


def _lines(text: bytes) -> pa.LargeStringArray:
    lines = pa.array(text.decode().split("\n"), pa.large_string())
    return pc.unique(lines.filter(pc.not_equal(lines, "")))


def _parsed(lines: Sequence[str]) -> Iterable[ox.Quad]:
    return ox.parse("\n".join(lines).encode(), format=_QUADS, lenient=True)


def _alike(lines: pa.LargeStringArray, some: Sequence[str]) -> list[str]:
    """The lines that share subject and predicate with some."""
    keys = pc.extract_regex(pa.array(some, pa.large_string()), _SUBJECT_AND_PREDICATE).field("key")
    own = pc.extract_regex(lines, _SUBJECT_AND_PREDICATE).field("key")
    alike: list[str] = lines.filter(pc.is_in(own, value_set=keys)).to_pylist()
    return alike


def _with_blanks(lines: pa.LargeStringArray, stated: pa.LargeStringArray, rdf: Path) -> pa.LargeStringArray:
    """The lines with the nodes that are meant in place of blank nodes; those that nothing fits stay."""
    unsure = pc.and_(pc.match_substring(lines, f"<{BLANK}"), pc.invert(pc.is_in(lines, value_set=stated)))
    if not pc.any(unsure).as_py():
        return lines
    store = ox.Store.read_only(str(rdf))
    plain: list[ox.Quad] = []
    asked: list[ox.Quad] = []
    for quad in _parsed(lines.filter(unsure).to_pylist()):
        (asked if any(_unknown(node, store) for node in _blanks(quad)) else plain).append(quad)
    found = [quad for group in _groups(asked) for quad in _meant(group, store)]
    resolved = _lines(ox.serialize(plain + found, format=_QUADS) or b"")
    return pc.unique(pa.concat_arrays([lines.filter(pc.invert(unsure)), resolved]))


def _blanks(quad: ox.Quad) -> list[ox.NamedNode]:
    nodes = (quad.subject, quad.object, quad.graph_name)
    return [node for node in nodes if isinstance(node, ox.NamedNode) and node.value.startswith(BLANK)]


def _unknown(node: ox.NamedNode, store: ox.Store) -> bool:
    places = ((node, None, None, None), (None, None, node, None), (None, None, None, node))
    return all(next(iter(store.quads_for_pattern(*place)), None) is None for place in places)


def _groups(quads: Sequence[ox.Quad]) -> list[list[ox.Quad]]:
    """Statements that share blank nodes, directly or by others."""
    groups: list[tuple[set[str], list[ox.Quad]]] = []
    for quad in quads:
        nodes, members = {node.value for node in _blanks(quad)}, [quad]
        apart = []
        for names, others in groups:
            if names & nodes:
                nodes, members = names | nodes, others + members
            else:
                apart.append((names, others))
        groups = [*apart, (nodes, members)]
    return [members for _, members in groups]


def _meant(quads: list[ox.Quad], store: ox.Store) -> list[ox.Quad]:
    """The statements with the nodes for which their blank nodes stand; as they are where nothing fits."""
    names = sorted({node.value for quad in quads for node in _blanks(quad)})
    variable = {name: f"?b{number}" for number, name in enumerate(names)}

    def spelt(term: object) -> str:
        return variable.get(getattr(term, "value", ""), str(term))

    patterns = []
    for quad in quads:
        pattern = f"{spelt(quad.subject)} {quad.predicate} {spelt(quad.object)} ."
        inside = isinstance(quad.graph_name, ox.DefaultGraph)
        patterns.append(pattern if inside else f"GRAPH {spelt(quad.graph_name)} {{ {pattern} }}")
    blank = " ".join(f'FILTER(STRSTARTS(STR({name}), "{BLANK}"))' for name in variable.values())
    query = f"SELECT DISTINCT {' '.join(variable.values())} WHERE {{ {' '.join(patterns)} {blank} }} LIMIT 2"
    found = list(store.query(query))  # type: ignore[arg-type]
    if len(found) > 1:
        raise ChangeError(
            "expected blank nodes that each stand for one node in what is to be removed "
            f"(several fit {str(quads[0])[:200]}): say more of it"
        )
    if not found:
        return quads
    place = {name: found[0][variable[name][1:]] for name in names}

    def put(term: object) -> object:
        return place.get(getattr(term, "value", ""), term)

    return [ox.Quad(put(q.subject), q.predicate, put(q.object), put(q.graph_name)) for q in quads]  # type: ignore[arg-type]
