"""KnowledgeGraph: validation, look-up, texts by language, exports, saving."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pyarrow as pa
import pytest
import torch

from kg.graph import LITERAL_SCHEMA, MEDIA_SCHEMA, KnowledgeGraph
from kg.vocabulary import DEFAULT, PREFIXES, RDF_TYPE

EX = "http://example.org/"
LABEL = PREFIXES["rdfs"] + "label"
COMMENT = PREFIXES["rdfs"] + "comment"
ALT = PREFIXES["skos"] + "altLabel"


def literal(entity: int, predicate: str, value: str, language: str | None = None) -> dict[str, Any]:
    return {
        **{"entity": entity, "predicate": predicate, "value": value, "language": language},
        **{"datatype": None, "origin": 0},
    }


def graph(literals: list[dict[str, Any]] | None = None, **changes: Any) -> KnowledgeGraph:
    """Bird 0, robin 1, wren 2: both are birds; the robin is near the wren, by the second graph."""
    rows = literals or [literal(1, LABEL, "Robin", "en")]
    picture = {"entity": 1, "modality": "image", "predicate": EX + "i", "reference": "r.png", "origin": 0}
    parts: dict[str, Any] = {
        "entities": pa.array([EX + "Bird", EX + "robin", EX + "wren"]),
        "relations": pa.array([EX + "near", RDF_TYPE]),
        "triples": np.array([[1, 0, 2], [1, 1, 0], [2, 1, 0]]),
        "weights": np.array([0.5, 1, 1], dtype=np.float32),
        "origin": np.array([1, 0, 0], dtype=np.int32),
        "graphs": ("", EX + "g"),
        "literals": pa.Table.from_pylist(rows, schema=LITERAL_SCHEMA),
        "media": pa.Table.from_pylist([picture], schema=MEDIA_SCHEMA),
        "prefixes": {"ex": EX},
    }
    return KnowledgeGraph(**(parts | changes))


def test_it_tells_its_size() -> None:
    assert repr(graph()) == "KnowledgeGraph(3 entities, 2 relations, 3 triples, 1 literals, 1 media)"


def test_an_entirely_empty_graph_is_valid() -> None:
    none = pa.array([], pa.string())
    empty = KnowledgeGraph(
        entities=none,
        relations=none,
        triples=np.zeros((0, 3), np.int64),
        weights=np.zeros(0, np.float32),
        origin=np.zeros(0, np.int32),
        graphs=(),
        literals=LITERAL_SCHEMA.empty_table(),
        media=MEDIA_SCHEMA.empty_table(),
        prefixes={},
    )
    assert empty.labels() == []
    assert len(empty.texts()) == 0
    assert empty.types()[0].tolist() == []
    assert empty.entity_ids([EX]).tolist() == [-1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"entities": pa.array(["b", "a", "c"])}, "expected entities sorted and unique"),
        ({"entities": pa.array(["a", "a", "b"])}, "expected entities sorted and unique"),
        ({"entities": ["a", "b", "c"]}, "expected entities as an Arrow array of strings"),
        ({"relations": pa.array(["b", None])}, "expected relations as an Arrow array of strings"),
        ({"triples": np.array([[1, 0, 3]] * 3)}, r"expected heads and tails in 0\.\.2 \(got 1\.\.3\)"),
        ({"triples": np.array([[1, 2, 0]] * 3)}, r"expected relations of triples in 0\.\.1"),
        ({"triples": np.zeros((3, 2), np.int64)}, r"expected triples int64 \(3, 3\) \(got int64 \(3, 2\)\)"),
        ({"weights": np.ones(3)}, r"expected weights float32 \(3,\) \(got float64"),
        ({"weights": np.array([0, 1, 1], np.float32)}, r"expected weights in \(0, 1\] \(got 0 to 1\)"),
        ({"weights": np.array([1, 2, 1], np.float32)}, r"expected weights in \(0, 1\] \(got 1 to 2\)"),
        ({"weights": np.array([1, np.nan, 1], np.float32)}, r"expected weights in \(0, 1\]"),
        ({"origin": np.zeros(2, np.int32)}, r"expected origin int32 \(3,\)"),
        ({"origin": np.full(3, 2, np.int32)}, r"expected origin in 0\.\.1"),
        ({"media": pa.table({"entity": [1]})}, "expected media with columns"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        graph(**change)


def test_tables_that_point_nowhere_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected entity of literals in 0\.\.2 \(got 3\.\.3\)"):
        graph([literal(3, LABEL, "x")])
    row = {"entity": 0, "modality": "smell", "predicate": "p", "reference": "r", "origin": 0}
    with pytest.raises(ValueError, match=r"expected modalities .* \(got \['smell'\]\)"):
        graph(media=pa.Table.from_pylist([row], schema=MEDIA_SCHEMA))


def test_ids_are_found_by_iri() -> None:
    assert graph().entity_id(EX + "wren") == 2
    assert graph().relation_id(RDF_TYPE) == 1
    found = graph().entity_ids([EX + "wren", "urn:none", EX + "Bird"])
    assert found.tolist() == [2, -1, 0]
    assert found.dtype == np.int64


def test_an_unknown_entity_names_its_near_misses() -> None:
    with pytest.raises(ValueError, match=r"did you mean http://example\.org/robin\?"):
        graph().entity_id("http://other.org/Robin")
    with pytest.raises(ValueError, match=r"did you mean http://example\.org/wren\?"):
        graph().entity_id(EX + "wrne")
    with pytest.raises(ValueError, match=r"expected relation of this graph \(got unknown ''\)$"):
        graph().relation_id("")


def test_types_are_the_stated_classes() -> None:
    entities, classes = graph().types()
    assert entities.tolist() == [1, 2]
    assert classes.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("tags", "languages", "chosen"),
    [
        (("de", "en", None), ("en",), "en"),
        (("de", None), ("en",), None),
        (("fr", "de"), ("en",), "de"),
        (("en-GB", "en", None), ("en",), "en"),
        (("en-GB", None), ("en",), "en-GB"),
        (("EN", None), ("en",), "EN"),
        (("de", "en"), ("fr", "de", "en"), "de"),
        (("eng", None), ("en",), None),
    ],
)
def test_a_label_is_taken_in_the_best_language(
    tags: tuple[str | None, ...], languages: tuple[str, ...], chosen: str | None
) -> None:
    rows = [literal(1, LABEL, f"name {tag}", tag) for tag in tags]
    assert graph(rows).labels(languages) == ["Bird", f"name {chosen}", "wren"]


def test_an_entity_without_a_label_shows_the_end_of_its_iri() -> None:
    names = ["http://example.org/", "http://example.org/a#b", "http://example.org/c/", "urn:d"]
    assert graph(entities=pa.array(names)).labels()[2:] == ["c", "d"]
    assert graph(entities=pa.array(names)).labels()[0] == "example.org"


def test_texts_take_the_best_language_for_each_predicate_apart() -> None:
    rows = [
        literal(1, LABEL, "Robin", "en"),
        literal(1, LABEL, "Rotkehlchen", "de"),
        literal(1, ALT, "redbreast", "en"),
        literal(1, ALT, "ruddock", "en"),
        literal(1, COMMENT, "Ein Vogel", "de"),
        literal(1, COMMENT, "Singt", "de"),
        literal(1, COMMENT, "Un oiseau", "fr"),
        literal(1, EX + "code", "RB", None),
        literal(2, LABEL, "Wren", None),
        literal(2, LABEL, "Troglodyte", "fr"),
    ]
    found = [tuple(row.values()) for row in graph(rows).texts(DEFAULT, ("en",)).to_pylist()]
    assert found == [
        (1, LABEL, "Robin"),
        (1, ALT, "redbreast"),
        (1, ALT, "ruddock"),
        (1, COMMENT, "Ein Vogel"),
        (1, COMMENT, "Singt"),
        (2, LABEL, "Wren"),
    ]


def test_a_vocabulary_of_ones_own_gives_texts_of_ones_own() -> None:
    mine = DEFAULT.extended(text=[EX + "code"])
    rows = [literal(1, EX + "code", "RB")]
    assert graph(rows).texts(mine)["value"].to_pylist() == ["RB"]
    assert len(graph(rows).texts()) == 0


def test_networkx_gets_every_fact_with_weight_and_graph() -> None:
    exported = graph().to_networkx()
    assert isinstance(exported, networkx.MultiDiGraph)
    assert sorted(exported.nodes) == [EX + "Bird", EX + "robin", EX + "wren"]
    assert list(exported.edges(EX + "robin", data=True)) == [
        (EX + "robin", EX + "wren", {"relation": EX + "near", "weight": 0.5, "graph": EX + "g"}),
        (EX + "robin", EX + "Bird", {"relation": RDF_TYPE, "weight": 1.0, "graph": ""}),
    ]


def test_pyg_gets_an_edge_type_for_each_relation() -> None:
    data = graph().to_pyg()
    assert data["entity"].num_nodes == 3
    assert data.edge_types == [("entity", EX + "near", "entity"), ("entity", RDF_TYPE, "entity")]
    assert data["entity", RDF_TYPE, "entity"].edge_index.tolist() == [[1, 2], [0, 0]]
    assert data["entity", EX + "near", "entity"].edge_weight.tolist() == [0.5]
    assert data["entity", RDF_TYPE, "entity"].edge_index.dtype == torch.int64
    data.validate(raise_on_error=True)


def test_tsv_has_a_line_for_each_fact(tmp_path: Path) -> None:
    graph().to_tsv(tmp_path / "facts.tsv")
    assert (tmp_path / "facts.tsv").read_text().splitlines()[0] == f"{EX}robin\t{EX}near\t{EX}wren"
    assert len((tmp_path / "facts.tsv").read_text().splitlines()) == 3


def test_saving_and_loading_gives_the_same_graph(tmp_path: Path) -> None:
    graph().save(tmp_path / "kg")
    assert KnowledgeGraph.load(tmp_path / "kg").equals(graph())
    changed = replace(graph(), prefixes={"more": "urn:more"})
    assert not changed.equals(graph())
    changed.save(tmp_path / "kg")
    assert KnowledgeGraph.load(tmp_path / "kg").equals(changed)


def test_a_damaged_missing_or_other_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere: expected a saved knowledge graph, build it again"):
        KnowledgeGraph.load(tmp_path / "nowhere")
    for name in ("entities.parquet", "triples.npy", "graph.json"):
        graph().save(tmp_path / "kg")
        content = (tmp_path / "kg" / name).read_bytes()
        (tmp_path / "kg" / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(ValueError, match="kg: expected a saved knowledge graph, build it again"):
            KnowledgeGraph.load(tmp_path / "kg")
    graph().save(tmp_path / "kg")
    text = (tmp_path / "kg" / "graph.json").read_text()
    (tmp_path / "kg" / "graph.json").write_text(text.replace('"format": 1', '"format": 99'))
    with pytest.raises(ValueError, match=r"expected format version 1 \(got 99\)"):
        KnowledgeGraph.load(tmp_path / "kg")
