"""The table of roles: spelling of schema.org, extension, what a suffix stands for."""

import pytest

from kg.vocabulary import DEFAULT, PREFIXES, Vocabulary, canonical, expand, modality_of_suffix


def test_schema_org_by_http_and_by_https_plays_the_same_role() -> None:
    assert DEFAULT.has("image", "http://schema.org/image")
    assert DEFAULT.has("image", "https://schema.org/image")
    assert canonical("http://schema.org/name") == "https://schema.org/name"
    assert canonical("http://example.org/schema.org/name") == "http://example.org/schema.org/name"


def test_the_table_of_the_design_is_in_the_default() -> None:
    rows = {
        "label": ("rdfs:label", "skos:prefLabel", "schema:name", "foaf:name", "dcterms:title"),
        "alt_label": ("skos:altLabel",),
        "text": (
            "schema:description",
            "rdfs:comment",
            "dcterms:description",
            "skos:definition",
            "dbo:abstract",
        ),
        "image": ("schema:image", "foaf:depiction", "foaf:img", "wdt:P18", "schema:thumbnailUrl"),
        "audio": ("schema:audio", "wdt:P51"),
        "concept": ("schema:about", "dcterms:subject", "foaf:primaryTopic", "wdt:P180"),
    }
    for role, names in rows.items():
        assert expand(*names) <= getattr(DEFAULT, role), role


def test_predicates_and_classes_name_their_sense() -> None:
    assert DEFAULT.modality_of_predicate(PREFIXES["foaf"] + "depiction") == "image"
    assert DEFAULT.modality_of_predicate("http://schema.org/audio") == "audio"
    assert DEFAULT.modality_of_predicate(PREFIXES["rdfs"] + "label") is None
    assert DEFAULT.modality_of_type("http://schema.org/ImageObject") == "image"
    assert DEFAULT.modality_of_type("http://www.w3.org/ns/sosa/Observation") == "series"
    assert DEFAULT.modality_of_type("http://schema.org/Person") is None


def test_extending_adds_to_a_role_and_leaves_the_default_alone() -> None:
    mine = DEFAULT.extended(image=["urn:photo"], label=["http://schema.org/headline"])
    assert mine.modality_of_predicate("urn:photo") == "image"
    assert mine.has("label", "https://schema.org/headline")
    assert mine.has("image", "https://schema.org/image")
    assert DEFAULT.modality_of_predicate("urn:photo") is None


def test_a_wrong_role_or_a_text_for_a_list_is_told() -> None:
    with pytest.raises(ValueError, match=r"expected a role out of label, .* \(got 'picture'\)"):
        DEFAULT.extended(picture=["urn:photo"])
    with pytest.raises(ValueError, match="expected a list of IRIs as image"):
        DEFAULT.extended(image="urn:photo")
    roles = dict.fromkeys(Vocabulary.__dataclass_fields__, frozenset[str]())
    with pytest.raises(ValueError, match=r"expected a set of IRIs as label \(got 'urn:x'\)"):
        Vocabulary(**(roles | {"label": "urn:x"}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "modality"),
    [
        ("pictures/robin.PNG", "image"),
        ("http://example.org/robin.jpeg?size=2#top", "image"),
        ("robin.ogg", "audio"),
        ("readings.parquet", "series"),
        ("scan.dcm", "image"),
        ("scan.nii", "image"),
        ("Scan.NII.GZ", "image"),
        ("notes.gz", None),
        ("paper.pdf", None),
        ("http://example.org/v1.png/about", None),
        ("png", None),
    ],
)
def test_a_suffix_names_the_sense(reference: str, modality: str | None) -> None:
    assert modality_of_suffix(reference) == modality
