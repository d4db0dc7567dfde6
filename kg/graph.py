"""KnowledgeGraph: facts as integer arrays, literals and media as Arrow tables, validated at birth.

It knows numpy and Arrow. RDF libraries, networkx and torch appear only inside the methods that
convert to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg import texts
from kg.graph_checks import check_names, check_range, find
from kg.inferred import is_inferred
from kg.vocabulary import DEFAULT, MODALITIES, RDF_TYPE, Vocabulary

if TYPE_CHECKING:
    import networkx
    import rdflib
    from torch_geometric.data import HeteroData

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

ARRAYS = {"triples": np.int64, "weights": np.float32, "origin": np.int32}
TABLES = ("literals", "media")


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
        check_names("entities", self.entities)
        check_names("relations", self.relations)
        count = len(self.triples)
        for name, shape in (("triples", (count, 3)), ("weights", (count,)), ("origin", (count,))):
            _check_array(name, getattr(self, name), shape)
        check_range("heads and tails", self.triples[:, ::2], self.num_entities)
        check_range("relations of triples", self.triples[:, 1], self.num_relations)
        check_range("origin", self.origin, len(self.graphs))
        if count and not (self.weights.min() > 0 and self.weights.max() <= 1):
            raise ValueError(
                f"expected weights in (0, 1] (got {self.weights.min():g} to {self.weights.max():g})"
            )
        for name, schema in (("literals", LITERAL_SCHEMA), ("media", MEDIA_SCHEMA)):
            table = getattr(self, name)
            if not table.schema.equals(schema):
                raise ValueError(f"expected {name} with columns {schema} (got {table.schema})")
            check_range(f"entity of {name}", table["entity"].to_numpy(), self.num_entities)
            check_range(f"origin of {name}", table["origin"].to_numpy(), len(self.graphs))
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
        return find("entity", self.entities, iri)

    def relation_id(self, iri: str) -> int:
        """Find the id of a relation.

        Raises:
            ValueError: The relation is unknown; the text names those that look like it.
        """
        return find("relation", self.relations, iri)

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
        rows = {name: ~inferred[getattr(self, name)["origin"].to_numpy()] for name in TABLES}
        if facts.all() and all(kept.all() for kept in rows.values()):
            return self
        arrays = {name: getattr(self, name)[facts] for name in ARRAYS}
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
            and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in ARRAYS)
            and all(getattr(self, name).equals(getattr(other, name)) for name in TABLES)
            and (self.graphs, self.prefixes) == (other.graphs, other.prefixes)
        )

    def save(self, folder: str | Path) -> None:
        """Write the graph as a folder of Parquet, NPY and JSON; an older one there is replaced."""
        from kg.graph_folder import save

        save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> KnowledgeGraph:
        """Read what `save` wrote.

        Raises:
            ValueError: The folder is not there, is damaged or has another format version.
        """
        from kg.graph_folder import load

        return load(Path(folder))

    def to_networkx(self) -> networkx.MultiDiGraph:
        """Give the facts to networkx: nodes are IRIs, edges carry relation, weight and graph."""
        from kg.graph_exchange import to_networkx

        return to_networkx(self)

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
        from kg.graph_exchange import to_pyg

        return to_pyg(self)

    def to_tsv(self, path: str | Path) -> None:
        """Write the facts as lines of head, relation and tail, as link prediction tools read."""
        from kg.graph_exchange import to_tsv

        to_tsv(self, path)


def _check_array(name: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    """Check an array's type and shape."""
    dtype = ARRAYS[name]
    if not isinstance(values, np.ndarray) or values.dtype != dtype or values.shape != shape:
        got = f"{getattr(values, 'dtype', type(values))} {getattr(values, 'shape', '')}"
        raise ValueError(f"expected {name} {np.dtype(dtype)} {shape} (got {got})")
