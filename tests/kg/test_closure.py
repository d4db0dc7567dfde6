"""What the closure leaves out, and that a missing package is named; what it derives: see test_supplement."""

from __future__ import annotations

import importlib
from typing import Any

import pyoxigraph as ox
import pytest

from kg.closure import ReasoningError, closure, package

HEAD = """@prefix : <urn:> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
"""


def triples(text: str) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse((HEAD + text).encode(), format=ox.RdfFormat.TURTLE)]


def derived(text: str, profile: str) -> set[str]:
    stated = triples(text)
    return {str(triple) for triple in closure(stated, profile)} - {str(triple) for triple in stated}


ZOO = """:cat rdfs:subClassOf :mammal . :mammal rdfs:subClassOf :animal . :tom a :cat .
    :eats a owl:ObjectProperty ; rdfs:domain :animal ; owl:inverseOf :eatenBy . :tom :eats :jerry ."""


def test_rdfs_takes_things_up_the_hierarchy_and_tells_nothing_that_is_true_of_all() -> None:
    a, sub = (
        "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>",
        "<http://www.w3.org/2000/01/rdf-schema#subClassOf>",
    )
    expected = {
        f"<urn:cat> {sub} <urn:animal>",
        f"<urn:tom> {a} <urn:mammal>",
        f"<urn:tom> {a} <urn:animal>",
    }
    assert derived(ZOO, "rdfs") == expected
    assert derived(ZOO, "owl") == expected | {"<urn:jerry> <urn:eatenBy> <urn:tom>"}


def test_facts_without_a_schema_have_nothing_that_follows() -> None:
    assert derived(":a :p :b ; :q 'text'@en , 5 . :b a :C .", "owl") == set()
    assert closure([], "owl") == []


def test_the_order_is_the_same_each_time() -> None:
    first, second = (closure(triples(ZOO), "owl") for _ in range(2))
    assert first == second == sorted(first, key=str)


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    sentence = r"expected the package reasonable, .*not installed.*pip install 'sensegraph\[reasoning\]'"
    with pytest.raises(ReasoningError, match=sentence):
        closure(triples(ZOO), "owl")
    with pytest.raises(ReasoningError, match="expected the package pyshacl, which checks shapes"):
        package("pyshacl", "checks shapes")
