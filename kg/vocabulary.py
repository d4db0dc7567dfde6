"""Which predicates mean label, text, image, sound or series: a table that a user can extend.

It knows IRIs only: no graph, no RDF library. schema.org over http and over https count as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

PREFIXES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "schema": "https://schema.org/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "dcterms": "http://purl.org/dc/terms/",
}
"""Prefixes that every query may use without declaring them; those of the data win over these."""

_MORE_PREFIXES = {
    "dbo": "http://dbpedia.org/ontology/",
    "dcmitype": "http://purl.org/dc/dcmitype/",
    "sosa": "http://www.w3.org/ns/sosa/",
    "wdt": "http://www.wikidata.org/prop/direct/",
    "sensegraph": "urn:sensegraph:",
    "sim": "http://purl.org/ontology/similarity/",
}

RDF_TYPE = PREFIXES["rdf"] + "type"

MODALITIES = ("image", "audio", "series")
"""The senses that come as files, in the order in which they are tried."""

_SUFFIXES = {
    "image": ("png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "svg", "dcm", "nii"),
    "audio": ("wav", "ogg", "oga", "mp3", "flac", "opus", "aif", "aiff", "m4a"),
    "series": ("csv", "parquet", "npy"),
}


def canonical(iri: str) -> str:
    """Give the spelling under which an IRI is looked up: schema.org always by https."""
    if iri.startswith("http://schema.org/"):
        return "https" + iri[4:]
    return iri


def expand(*names: str) -> frozenset[str]:
    """Turn prefixed names such as `schema:image` into a set of IRIs."""
    prefixes = PREFIXES | _MORE_PREFIXES
    pairs = (name.split(":", 1) for name in names)
    return frozenset(prefixes[prefix] + local for prefix, local in pairs)


def modality_of_suffix(reference: str) -> str | None:
    """Name the sense that the suffix of a file name or URL stands for, if any."""
    name = reference.partition("?")[0].partition("#")[0].rsplit("/", 1)[-1]
    name = name.lower()
    if name.endswith(".nii.gz"):  # the one format here that is usually packed
        name = name.removesuffix(".gz")
    stem, _, suffix = name.rpartition(".")
    if not stem:
        return None
    return next((modality for modality in MODALITIES if suffix in _SUFFIXES[modality]), None)


@dataclass(frozen=True)
class Vocabulary:
    """The roles that predicates and classes play.

    Attributes:
        label: Predicates of an entity's main name.
        alt_label: Predicates of its other names.
        text: Predicates of descriptions.
        image: Predicates from an entity to a picture of it.
        audio: Predicates from an entity to a sound of it.
        series: Predicates from an entity to a series of readings.
        content: Predicates from a media node to its file.
        page: Predicates that do the same, but only on nodes known to be media.
        concept: Predicates from an item to what it is about; the splits keep concepts apart.
        weight: Predicates from an annotation (a reified statement) to how sure the statement is.
        broader: Predicates of hierarchies, from what is below to what is above.
        narrower: Predicates of hierarchies, from what is above to what is below.
        image_types: Classes of picture nodes.
        audio_types: Classes of sound nodes.
        series_types: Classes of series nodes.
        schema_types: Classes whose instances are vocabulary rather than things.
    """

    label: frozenset[str]
    alt_label: frozenset[str]
    text: frozenset[str]
    image: frozenset[str]
    audio: frozenset[str]
    series: frozenset[str]
    content: frozenset[str]
    page: frozenset[str]
    concept: frozenset[str]
    weight: frozenset[str]
    broader: frozenset[str]
    narrower: frozenset[str]
    image_types: frozenset[str]
    audio_types: frozenset[str]
    series_types: frozenset[str]
    schema_types: frozenset[str]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str) or not all(isinstance(iri, str) for iri in value):
                raise ValueError(f"expected a set of IRIs as {field.name} (got {value!r})")
            object.__setattr__(self, field.name, frozenset(map(canonical, value)))

    def extended(self, **roles: Iterable[str]) -> Vocabulary:
        """Return a vocabulary with more IRIs in some roles, e.g. `extended(image=["urn:photo"])`.

        Raises:
            ValueError: A role is unknown or its value is not a list of IRIs.
        """
        known = [field.name for field in fields(self)]
        for role, iris in roles.items():
            if role not in known:
                raise ValueError(f"expected a role out of {', '.join(known)} (got {role!r})")
            if isinstance(iris, str):
                raise ValueError(f"expected a list of IRIs as {role} (got the text {iris!r})")
        return replace(self, **{role: getattr(self, role) | set(roles[role]) for role in roles})

    def has(self, role: str, iri: str) -> bool:
        """Tell whether an IRI plays a role, whichever way schema.org is spelt."""
        members: frozenset[str] = getattr(self, role)
        return canonical(iri) in members

    def modality_of_predicate(self, predicate: str) -> str | None:
        """Name the sense whose predicate this is, if any."""
        return next((name for name in MODALITIES if self.has(name, predicate)), None)

    def modality_of_type(self, type_iri: str) -> str | None:
        """Name the sense whose media nodes have this class, if any."""
        return next((name for name in MODALITIES if self.has(f"{name}_types", type_iri)), None)


DEFAULT = Vocabulary(
    label=expand("rdfs:label", "skos:prefLabel", "schema:name", "foaf:name", "dcterms:title"),
    alt_label=expand("skos:altLabel", "schema:alternateName"),
    text=expand(
        "schema:description", "rdfs:comment", "dcterms:description", "skos:definition",
        "dbo:abstract",
    ),
    image=expand(
        "schema:image", "foaf:depiction", "foaf:img", "wdt:P18", "schema:thumbnailUrl",
    ),
    audio=expand("schema:audio", "wdt:P51"),
    series=frozenset(),
    content=expand("schema:contentUrl"),
    page=expand("schema:url"),
    concept=expand("schema:about", "dcterms:subject", "foaf:primaryTopic", "wdt:P180"),
    weight=expand("sensegraph:weight", "sim:weight"),
    broader=expand(
        "skos:broader", "skos:broaderTransitive", "rdfs:subClassOf", "rdfs:subPropertyOf", "wdt:P279",
    ),
    narrower=expand("skos:narrower", "skos:narrowerTransitive"),
    image_types=expand("schema:ImageObject", "foaf:Image", "dcmitype:StillImage", "dcmitype:Image"),
    audio_types=expand("schema:AudioObject", "dcmitype:Sound"),
    series_types=expand("schema:Dataset", "sosa:Observation"),
    schema_types=expand(
        "skos:Concept", "skos:ConceptScheme", "skos:Collection", "skos:OrderedCollection",
        "rdfs:Class", "rdfs:Datatype", "rdf:Property", "owl:Class", "owl:Ontology",
        "owl:Restriction", "owl:ObjectProperty", "owl:DatatypeProperty", "owl:AnnotationProperty",
        "owl:OntologyProperty", "owl:FunctionalProperty", "owl:InverseFunctionalProperty",
        "owl:TransitiveProperty", "owl:SymmetricProperty", "owl:AsymmetricProperty",
        "owl:ReflexiveProperty", "owl:IrreflexiveProperty", "owl:DeprecatedProperty",
    ),
)  # fmt: skip
"""DESIGN section 6 as data."""
