"""What is an observation of what, and which nodes are only media: each rule on a few lines of Turtle."""

from pathlib import Path

import pytest

from kg.graph import KnowledgeGraph
from kg.rdf import read
from kg.texts import last_segment
from kg.vocabulary import DEFAULT, Vocabulary

HEAD = """@prefix : <http://example.org/> . @prefix schema: <https://schema.org/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix sosa: <http://www.w3.org/ns/sosa/> .
"""


def load(folder: Path, turtle: str, vocabulary: Vocabulary = DEFAULT) -> KnowledgeGraph:
    (folder / "a.ttl").write_text(HEAD + turtle, encoding="utf-8")
    return read([folder / "a.ttl"], vocabulary=vocabulary)[0]


def entities(graph: KnowledgeGraph) -> list[str]:
    return [last_segment(iri) for iri in graph.entities.to_pylist()]


def media(graph: KnowledgeGraph) -> list[tuple[str, str, str, str]]:
    names = entities(graph)
    return [
        (names[row["entity"]], row["modality"], last_segment(row["predicate"]), row["reference"])
        for row in graph.media.to_pylist()
    ]


def test_iris_and_literals_of_media_predicates_are_observations_and_no_facts(tmp_path: Path) -> None:
    graph = load(tmp_path, ':robin schema:image "a.png", <http://x.org/b.png> ; schema:audio "a.ogg" .')
    assert media(graph) == [
        ("robin", "audio", "audio", "a.ogg"),
        ("robin", "image", "image", "a.png"),
        ("robin", "image", "image", "http://x.org/b.png"),
    ]
    assert entities(graph) == ["robin"]
    assert (len(graph.triples), len(graph.literals)) == (0, 0)


def test_a_relative_iri_resolves_against_the_file(tmp_path: Path) -> None:
    graph = load(tmp_path, ":robin schema:image <pictures/a%20b.png> .")
    assert media(graph)[0][3] == (tmp_path / "pictures").as_uri() + "/a%20b.png"


def test_a_media_node_gives_its_file_to_the_entity_and_is_no_entity(tmp_path: Path) -> None:
    graph = load(
        tmp_path,
        """:robin schema:image :photo , [ schema:contentUrl "b.png" ] ; a :Bird .
        :photo a schema:ImageObject ; schema:contentUrl "a.png", <http://x.org/c.png> ;
               schema:caption "A photo" ; schema:creator :ann .""",
    )
    assert media(graph) == [
        ("robin", "image", "image", "a.png"),
        ("robin", "image", "image", "b.png"),
        ("robin", "image", "image", "http://x.org/c.png"),
    ]
    assert entities(graph) == ["Bird", "robin"]
    assert len(graph.literals) == 0


def test_a_media_node_that_something_else_points_to_stays_an_entity_that_sees_itself(tmp_path: Path) -> None:
    graph = load(
        tmp_path,
        """:robin schema:image :photo . :album schema:hasPart :photo .
        :photo a schema:ImageObject ; schema:contentUrl "a.png" ; schema:name "Photo" .""",
    )
    assert entities(graph) == ["album", "photo", "robin", "ImageObject"]
    assert media(graph) == [
        ("photo", "image", "contentUrl", "a.png"),
        ("robin", "image", "image", "a.png"),
    ]
    assert graph.literals["value"].to_pylist() == ["Photo"]


@pytest.mark.parametrize(
    ("turtle", "modality"),
    [
        (':a schema:contentUrl "x.png" .', "image"),
        (":a schema:contentUrl <http://x.org/x.OGG> .", "audio"),
        (':a a schema:Dataset ; schema:contentUrl "x.csv" .', "series"),
        (':a a sosa:Observation ; schema:contentUrl "x.npy" .', "series"),
        (':a a schema:AudioObject ; schema:contentUrl "x.bin" .', "audio"),
        (':a a schema:ImageObject ; schema:url "x.png" .', "image"),
    ],
)
def test_a_node_with_a_file_to_which_nothing_points_is_the_entity(
    tmp_path: Path, turtle: str, modality: str
) -> None:
    graph = load(tmp_path, turtle)
    assert [row[:2] for row in media(graph)] == [("a", modality)]
    assert len(graph.literals) == 0


def test_a_file_of_no_known_sense_stays_an_ordinary_statement(tmp_path: Path) -> None:
    graph = load(tmp_path, ':a schema:contentUrl "paper.pdf" . :b schema:contentUrl <http://x.org/b.pdf> .')
    assert media(graph) == []
    assert graph.literals["value"].to_pylist() == ["paper.pdf"]
    assert graph.relations.to_pylist() == ["https://schema.org/contentUrl"]


def test_a_home_page_is_no_observation(tmp_path: Path) -> None:
    graph = load(
        tmp_path,
        """:ann schema:url <http://x.org/ann> . :data a schema:Dataset ; schema:url <http://x.org/data> .""",
    )
    assert media(graph) == []
    assert "https://schema.org/url" in graph.relations.to_pylist()


def test_a_page_is_the_file_of_a_media_node_without_content(tmp_path: Path) -> None:
    graph = load(
        tmp_path,
        """:ann schema:image [ schema:url "a.png" ] .
        :bob schema:image [ schema:url <http://x.org/page> ; schema:contentUrl "b.png" ] .""",
    )
    assert media(graph) == [("ann", "image", "image", "a.png"), ("bob", "image", "image", "b.png")]


def test_the_predicate_wins_over_the_class_of_the_node(tmp_path: Path) -> None:
    graph = load(tmp_path, ':a schema:audio [ a schema:ImageObject ; schema:contentUrl "a.png" ] .')
    assert media(graph) == [("a", "audio", "audio", "a.png")]


def test_a_described_picture_is_no_entity_but_a_described_thing_is(tmp_path: Path) -> None:
    graph = load(
        tmp_path,
        """:ann foaf:depiction <http://x.org/ann.png>, :portrait .
        <http://x.org/ann.png> a foaf:Image ; schema:name "File" .
        :portrait a :Painting ; schema:name "Portrait of Ann" ; schema:image "portrait.png" .""",
    )
    assert entities(graph) == ["Painting", "ann", "portrait"]
    assert media(graph) == [
        ("ann", "image", "depiction", "http://example.org/portrait"),
        ("ann", "image", "depiction", "http://x.org/ann.png"),
        ("portrait", "image", "image", "portrait.png"),
    ]


def test_a_blank_media_node_without_a_file_stays_an_ordinary_node(tmp_path: Path) -> None:
    graph = load(tmp_path, ':ann schema:image [ schema:name "lost" ] .')
    assert media(graph) == []
    assert graph.relations.to_pylist() == ["https://schema.org/image"]
    assert graph.literals["value"].to_pylist() == ["lost"]


def test_a_picture_of_itself_is_kept(tmp_path: Path) -> None:
    graph = load(tmp_path, ':a schema:image :a ; schema:contentUrl "a.png" .')
    assert ("a", "image", "image", "a.png") in media(graph)
    assert entities(graph) == ["a"]


def test_a_media_node_under_two_things_gives_its_file_to_both(tmp_path: Path) -> None:
    graph = load(
        tmp_path, ':a schema:image :p . :b schema:image :p . :p schema:contentUrl "p.png", "q.png" .'
    )
    assert [(row[0], row[3]) for row in media(graph)] == [
        *(("a", "p.png"), ("a", "q.png")),
        *(("b", "p.png"), ("b", "q.png")),
    ]


def test_a_vocabulary_of_ones_own_brings_its_own_media(tmp_path: Path) -> None:
    mine = DEFAULT.extended(series=["http://example.org/readings"])
    graph = load(tmp_path, ':pump :readings "p.csv" .', mine)
    assert media(graph) == [("pump", "series", "readings", "p.csv")]
