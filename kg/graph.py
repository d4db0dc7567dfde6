"""KnowledgeGraph: facts as integer arrays, literals and media as Arrow tables, validated at birth.

It knows numpy and Arrow. RDF libraries, networkx and torch appear only inside the methods that
convert to them.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kg import texts
from kg.folder import written_beside
from kg.inferred import is_inferred
from kg.vocabulary import DEFAULT, MODALITIES, RDF_TYPE, Vocabulary

if TYPE_CHECKING:
    import networkx
    import rdflib
    from torch_geometric.data import HeteroData

FORMAT = 1
"""Version of the folder that `save` writes."""

LITERAL_SCHEMA = pa.schema(
    {
        "entity": pa.int64(),
        "predicate": pa.string(),
        "value": pa.string(),
        "language": pa.string(),
        "datatype": pa.string(),
        "origin": pa.int32(),
    }
)
MEDIA_SCHEMA = pa.schema(
    {
        "entity": pa.int64(),
        "modality": pa.string(),
        "predicate": pa.string(),
        "reference": pa.string(),
        "origin": pa.int32(),
    }
)

_ARRAYS = {"triples": np.int64, "weights": np.float32, "origin": np.int32}
_TABLES = ("literals", "media")


@dataclass(frozen=True, eq=False)
class KnowledgeGraph:
    """A graph of entities, its literals and its media; rows are sorted, ids follow the IRIs.

    Shapes:
        entities (n,) string, sorted, unique; relations (r,) string, sorted, unique
        triples (t, 3) int64 as head, relation, tail; weights (t,) float32 in (0, 1]
        origin (t,) int32, an index into `graphs`, where "" is the default graph
        literals, media: tables as in LITERAL_SCHEMA and MEDIA_SCHEMA

    Raises:
        ValueError: The parts do not fit each other.
    """

    entities: pa.Array
    relations: pa.Array
    triples: np.ndarray
    weights: np.ndarray
    origin: np.ndarray
    graphs: tuple[str, ...]
    literals: pa.Table
    media: pa.Table
    prefixes: dict[str, str]

    def __post_init__(self) -> None:
        _check_names("entities", self.entities)
        _check_names("relations", self.relations)
        count = len(self.triples)
        for name, shape in (("triples", (count, 3)), ("weights", (count,)), ("origin", (count,))):
            _check_array(name, getattr(self, name), shape)
        _check_range("heads and tails", self.triples[:, ::2], self.num_entities)
        _check_range("relations of triples", self.triples[:, 1], self.num_relations)
        _check_range("origin", self.origin, len(self.graphs))
        if count and not (self.weights.min() > 0 and self.weights.max() <= 1):
            raise ValueError(
                f"expected weights in (0, 1] (got {self.weights.min():g} to {self.weights.max():g})"
            )
        for name, schema in (("literals", LITERAL_SCHEMA), ("media", MEDIA_SCHEMA)):
            table = getattr(self, name)
            if not table.schema.equals(schema):
                raise ValueError(f"expected {name} with columns {schema} (got {table.schema})")
            _check_range(f"entity of {name}", table["entity"].to_numpy(), self.num_entities)
            _check_range(f"origin of {name}", table["origin"].to_numpy(), len(self.graphs))
        strangers = set(self.media["modality"].unique().to_pylist()) - set(MODALITIES)
        if strangers:
            raise ValueError(f"expected modalities {MODALITIES} (got {sorted(strangers)})")

    def __repr__(self) -> str:
        return (
            f"KnowledgeGraph({self.num_entities} entities, {self.num_relations} relations, "
            f"{len(self.triples)} triples, {len(self.literals)} literals, {len(self.media)} media)"
        )

    @property
    def num_entities(self) -> int:
        """How many entities there are."""
        return len(self.entities)

    @property
    def num_relations(self) -> int:
        """How many relations there are."""
        return len(self.relations)

    def entity_id(self, iri: str) -> int:
        """Find the id of an entity.

        Raises:
            ValueError: The entity is unknown; the text names those that look like it.
        """
        return _find("entity", self.entities, iri)

    def relation_id(self, iri: str) -> int:
        """Find the id of a relation.

        Raises:
            ValueError: The relation is unknown; the text names those that look like it.
        """
        return _find("relation", self.relations, iri)

    def entity_ids(self, iris: Sequence[str]) -> np.ndarray:
        """Find the ids of many entities; -1 for those that are unknown.

        Shapes:
            (len(iris),) int64
        """
        found = pc.index_in(pa.array(iris, pa.string()), value_set=self.entities)
        return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)

    def types(self) -> tuple[np.ndarray, np.ndarray]:
        """Give the classes: entity ids and, row by row, class ids."""
        at = pc.index(self.relations, RDF_TYPE).as_py()
        rows = self.triples[self.triples[:, 1] == at]
        return rows[:, 0], rows[:, 2]

    def stated(self) -> KnowledgeGraph:
        """Give the graph without inferred facts, with the same ids; itself where there are none."""
        inferred = is_inferred(self.graphs)
        facts = ~inferred[self.origin]
        rows = {name: ~inferred[getattr(self, name)["origin"].to_numpy()] for name in _TABLES}
        if facts.all() and all(kept.all() for kept in rows.values()):
            return self
        arrays = {name: getattr(self, name)[facts] for name in _ARRAYS}
        tables = {name: getattr(self, name).filter(pa.array(kept)) for name, kept in rows.items()}
        return replace(self, **arrays, **tables)

    def labels(self, languages: Sequence[str] = ("en",), vocabulary: Vocabulary = DEFAULT) -> list[str]:
        """Give each entity one name to show: best language, else untagged, else any, else its IRI.

        Of an IRI the last segment is shown.
        """
        return texts.labels(self.entities, self.literals, vocabulary, languages)

    def texts(self, vocabulary: Vocabulary = DEFAULT, languages: Sequence[str] = ("en",)) -> pa.Table:
        """Give the texts to read for each entity: names, other names and descriptions.

        For each entity and predicate only the best language is taken: the first of `languages`
        that is there, else untagged text, else all of the alphabetically first language.

        Shapes:
            table of entity int64, predicate string, value string
        """
        return texts.texts(self.literals, vocabulary, languages)

    def equals(self, other: KnowledgeGraph) -> bool:
        """Tell whether two graphs hold the same facts, literals, media and prefixes."""
        return (
            self.entities.equals(other.entities)
            and self.relations.equals(other.relations)
            and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in _ARRAYS)
            and all(getattr(self, name).equals(getattr(other, name)) for name in _TABLES)
            and (self.graphs, self.prefixes) == (other.graphs, other.prefixes)
        )

    def save(self, folder: str | Path) -> None:
        """Write the graph as a folder of Parquet, NPY and JSON; an older one there is replaced."""
        facts = {"format": FORMAT, "graphs": self.graphs, "prefixes": self.prefixes}
        with written_beside(Path(folder)) as partial:
            for name in ("entities", "relations"):
                pq.write_table(pa.table({"iri": getattr(self, name)}), partial / f"{name}.parquet")
            for name in _TABLES:
                pq.write_table(getattr(self, name), partial / f"{name}.parquet")
            for name in _ARRAYS:
                np.save(partial / f"{name}.npy", getattr(self, name), allow_pickle=False)
            text = json.dumps(facts, ensure_ascii=False, indent=1)
            (partial / "graph.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> KnowledgeGraph:
        """Read what `save` wrote.

        Raises:
            ValueError: The folder is not there, is damaged or has another format version.
        """
        folder = Path(folder)
        try:
            facts = json.loads((folder / "graph.json").read_text(encoding="utf-8"))
            if facts["format"] != FORMAT:
                raise ValueError(f"expected format version {FORMAT} (got {facts['format']})")
            names = {
                name: _parquet(folder / f"{name}.parquet")["iri"].combine_chunks()
                for name in ("entities", "relations")
            }
            tables = {name: _parquet(folder / f"{name}.parquet") for name in _TABLES}
            arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in _ARRAYS}
            graphs, prefixes = tuple(facts["graphs"]), dict(facts["prefixes"])
            return cls(**names, **arrays, graphs=graphs, **tables, prefixes=prefixes)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise ValueError(
                f"{folder}: expected a saved knowledge graph, build it again ({error})"
            ) from error

    def to_networkx(self) -> networkx.MultiDiGraph:
        """Give the facts to networkx: nodes are IRIs, edges carry relation, weight and graph."""
        import networkx

        graph = networkx.MultiDiGraph()
        entities, relations = self.entities.to_pylist(), self.relations.to_pylist()
        graph.add_nodes_from(entities)
        rows = zip(self.triples.tolist(), self.weights.tolist(), self.origin.tolist(), strict=True)
        graph.add_edges_from(
            (
                entities[head],
                entities[tail],
                {"relation": relations[relation], "weight": weight, "graph": self.graphs[origin]},
            )
            for (head, relation, tail), weight, origin in rows
        )
        return graph

    def to_rdflib(self) -> rdflib.Graph:
        """Give everything as an rdflib Graph, or a Dataset where there are named graphs."""
        from kg.rdf_exchange import to_rdflib

        return to_rdflib(self)

    @classmethod
    def from_rdflib(cls, graph: rdflib.Graph, vocabulary: Vocabulary = DEFAULT) -> KnowledgeGraph:
        """Take over an rdflib Graph or Dataset.

        Raises:
            ValueError: It is empty or holds terms that RDF does not allow.
        """
        from kg.rdf import from_rdflib

        return from_rdflib(graph, vocabulary)

    def to_pyg(self) -> HeteroData:
        """Give the facts as PyG HeteroData: node type "entity", an edge type for each relation.

        Shapes:
            data["entity", relation IRI, "entity"]: edge_index (2, E) int64,
            edge_weight (E,) float32
        """
        import torch
        from torch_geometric.data import HeteroData

        data = HeteroData()
        data["entity"].num_nodes = self.num_entities
        for index, relation in enumerate(self.relations.to_pylist()):
            rows = self.triples[:, 1] == index
            edges = data["entity", relation, "entity"]
            edges.edge_index = torch.from_numpy(self.triples[rows][:, ::2].T.copy())
            edges.edge_weight = torch.from_numpy(self.weights[rows])
        return data

    def to_tsv(self, path: str | Path) -> None:
        """Write the facts as lines of head, relation and tail, as link prediction tools read."""
        entities, relations = self.entities.to_pylist(), self.relations.to_pylist()
        with Path(path).open("w", encoding="utf-8") as file:
            file.writelines(
                f"{entities[head]}\t{relations[relation]}\t{entities[tail]}\n"
                for head, relation, tail in self.triples.tolist()
            )


def _find(kind: str, names: pa.Array, iri: str) -> int:
    """Find an IRI among sorted ones, or raise naming those that look like it."""
    at = bisect_left(names, iri, key=lambda scalar: scalar.as_py())
    if at < len(names) and names[at].as_py() == iri:
        return at
    near = _near_misses(names, iri)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"expected {kind} of this graph (got unknown {iri!r}){hint}")


def _parquet(path: Path) -> pa.Table:
    """Read a Parquet file without `read_table`, which looks for pandas and imports it where it is."""
    with pq.ParquetFile(path) as file:
        return file.read()


def _near_misses(names: pa.Array, iri: str) -> list[str]:
    """Give up to three IRIs that contain the same last word, else ones spelt alike."""
    word = texts.last_segment(iri)
    if word:
        same = names.filter(pc.match_substring(names, word, ignore_case=True))
        if len(same):
            ordered: list[str] = sorted(same.slice(0, 1000).to_pylist(), key=lambda s: (len(s), s))
            return ordered[:3]
    import difflib

    # Comparing spellings is slow, so a large graph is only sampled around the place in the order.
    at = bisect_left(names, iri, key=lambda scalar: scalar.as_py())
    nearby = {texts.last_segment(name): name for name in names.slice(max(0, at - 500), 1000).to_pylist()}
    return [nearby[near] for near in difflib.get_close_matches(word, nearby, n=3, cutoff=0.7)]


def _check_names(name: str, values: pa.Array) -> None:
    """Check that names are sorted strings without repeats."""
    if not isinstance(values, pa.Array) or values.type != pa.string() or values.null_count:
        raise ValueError(f"expected {name} as an Arrow array of strings (got {type(values)})")
    rising = pc.all(pc.less(values.slice(0, max(0, len(values) - 1)), values.slice(1))).as_py()
    if rising is False:
        raise ValueError(f"expected {name} sorted and unique (got another order or a repeat)")


def _check_array(name: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    """Check an array's type and shape."""
    dtype = _ARRAYS[name]
    if not isinstance(values, np.ndarray) or values.dtype != dtype or values.shape != shape:
        got = f"{getattr(values, 'dtype', type(values))} {getattr(values, 'shape', '')}"
        raise ValueError(f"expected {name} {np.dtype(dtype)} {shape} (got {got})")


def _check_range(name: str, values: np.ndarray, size: int) -> None:
    """Check that indices point inside a list of `size`."""
    if values.size and not (values.min() >= 0 and values.max() < size):
        raise ValueError(f"expected {name} in 0..{size - 1} (got {values.min()}..{values.max()})")
