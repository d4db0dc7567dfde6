"""Updates: after any of them a store equals one made of the same facts by the same weights."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from kg.graph import KnowledgeGraph
from kg.merge import with_relations
from kg.rdf import read
from kg.vocabulary import DEFAULT
from pipelines.building.build import build, cache_folder
from pipelines.building.embedding import embed_graph
from pipelines.prediction.predictor import Predictor
from pipelines.search.retrieval import Searcher
from pipelines.senses.encoding import MISSING, MediaAccess, encode_observations
from pipelines.senses.joint import with_senses
from pipelines.senses.numbers import scaled
from pipelines.settings import Settings
from pipelines.store.store import Store
from pipelines.training.links import LinkModel
from pipelines.updating.carrying import Training
from pipelines.updating.update import Updated, UpdateError, update

EX, SCHEMA = "https://example.org/", "https://schema.org/"
ABOUT, NAME, IMAGE, YEAR = SCHEMA + "about", SCHEMA + "name", SCHEMA + "image", EX + "year"
XSD = "http://www.w3.org/2001/XMLSchema#"
CONCEPTS = ("cat", "dog", "bird", "fish", "fly", "ant", "bee", "cow", "owl", "rat")
SETTINGS = Settings(epochs=2, width=16, structure_width=8, test_share=0.4, label_width=16, target=(ABOUT,))


class Hashed:
    """An encoder of any content by its hash: fast, and the same everywhere."""

    dim = 24

    def __init__(self, modality: str, *_: object, **__: object) -> None:
        self.modality, self.name = modality, "hashed@1"
        made.append(modality)

    def load(self, reference: str | Path) -> bytes:
        return str(reference).encode() if self.modality == "text" else Path(reference).read_bytes()

    def encode(self, items: Sequence[bytes]) -> Tensor:
        seen.extend(items)
        rows = [
            np.random.default_rng(int.from_bytes(hashlib.sha256(item).digest()[:4])).normal(size=24)
            for item in items
        ]
        return torch.tensor(np.array(rows, dtype=np.float32).reshape(-1, 24))


made: list[str] = []
seen: list[bytes] = []


def iri(name: str) -> str:
    return f"<{EX}{name}>"


def said(subject: str, predicate: str, object_: str, graph: str = "") -> str:
    return f"{iri(subject)} <{predicate}> {object_} {graph and graph + ' '}.".replace("  ", " ")


def item_lines(number: int, other: str = "") -> list[str]:
    """What is stated of one thing; it is about a concept by its number, or about another."""
    concept = other or CONCEPTS[number % 10]
    name = f"item{number:02}"
    lines = [
        said(name, ABOUT, iri(concept)),
        said(name, NAME, f'"{concept} number {number}"@en'),
        said(name, "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", iri("Card")),
        said(name, YEAR, f'"{1900 + 3 * number}"^^<{XSD}integer>'),
    ]
    if number % 3:
        lines.append(said(name, IMAGE, f'"{number % 7}.png"'))
    if number > 1:
        lines.append(said(name, EX + "near", iri(f"item{number - 2:02}")))
    return lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A built store of thirty things, its pictures and its statements; encoders are fast ones."""
    folder = tmp_path_factory.mktemp("updating")
    for number in range(9):
        (folder / f"{number}.png").write_bytes(bytes([number]) * 40)
    lines = [line for n in range(30) for line in item_lines(n)]
    (folder / "base.nq").write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENSEGRAPH_CACHE", str(folder / "cache"))
        patch.setattr("pipelines.senses.encoding.make_encoder", Hashed)
        build([folder / "base.nq"], folder / "store", settings=SETTINGS)
        yield folder


@pytest.fixture
def store(folder: Path, tmp_path: Path) -> Path:
    """A copy of the store that a test may change."""
    import shutil

    shutil.copytree(folder / "store", tmp_path / "store")
    return tmp_path / "store"


@dataclass
class Pool:
    """Statements that may be said, and those that are."""

    possible: list[str]
    stated: set[str]

    def step(self, draw: random.Random) -> tuple[list[str], list[str]]:
        """Draw a change and make it: what comes, what goes."""
        away = sorted(set(self.possible) - self.stated)
        come = draw.sample(away, min(len(away), draw.randint(0, 4)))
        spare = max(0, len(self.stated) - len(self.possible) // 2)
        go = draw.sample(sorted(self.stated), min(spare, draw.randint(0, 4)))
        if not come and not go:
            return self.step(draw)
        self.stated = (self.stated - set(go)) | set(come)
        return come, go


def pool_of(folder: Path) -> Pool:
    """The base and as much again: new things, relations, named graphs, weights, media nodes, numbers."""
    base = (folder / "base.nq").read_text().splitlines()
    more = [line for number in range(30, 42) for line in item_lines(number, "cat" if number % 2 else "newt")]
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    weighed = zip(("subject", "predicate", "object"), (iri("item03"), f"<{ABOUT}>", iri("fish")), strict=True)
    more += [said("sure", rdf + part, term) for part, term in weighed]
    more += [
        said("sure", "urn:sensegraph:weight", f'"0.5"^^<{XSD}decimal>'),
        *(said(f"item{n:02}", EX + "likes", iri(f"item{(7 * n) % 40:02}")) for n in range(0, 30, 3)),
        *(said(f"item{n:02}", EX + "near", iri("item05"), "<urn:g>") for n in range(0, 30, 4)),
        said("item04", IMAGE, iri("photo")),
        said("photo", SCHEMA + "contentUrl", '"8.png"'),
        said("item06", IMAGE, '"lost.png"'),
        said("item07", YEAR, f'"007"^^<{XSD}integer>'),
        said("item07", YEAR, f'"7"^^<{XSD}integer>'),
        said("item08", EX + "height", f'"1.50"^^<{XSD}decimal>'),
        said("cat", "http://www.w3.org/2004/02/skos/core#prefLabel", '"a cat, \\"so\\" named"@en'),
    ]
    return Pool(base + more, set(base))


def changed(store: Path, come: Sequence[str], go: Sequence[str], **flags: Any) -> Updated:
    files = {}
    for name, lines in (("add", come), ("remove", go)):
        if lines:
            files[name] = store.parent / f"{name}.nq"
            files[name].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return update(store, files.get("add", ()), files.get("remove", ()), device="cpu", **flags)


def moved(rows: Tensor, old: list[str], new: list[str], repeat: int, fill: float = 0.0) -> Tensor:
    """Rows by name, one after the other, the way a person would do it."""
    out = torch.full((repeat * len(new), *rows.shape[1:]), fill).to(rows.dtype)
    for turn in range(repeat):
        for place, name in enumerate(new):
            if name in old:
                out[turn * len(new) + place] = rows[turn * len(old) + old.index(name)]
    return out


def weights_by_name(built: Store, graph: KnowledgeGraph) -> dict[str, Tensor]:
    entities = built.graph.entities.to_pylist(), graph.entities.to_pylist()
    relations = built.graph.relations.to_pylist(), graph.relations.to_pylist()
    out = dict(built.weights)
    for name, rows in built.weights.items():
        if "relation" in name:
            out[name] = moved(rows, *relations, repeat=2)
        elif name == "links.encoder.rows":
            out[name] = moved(rows, *entities, repeat=1)
    return out


@dataclass(frozen=True)
class Fresh:
    """A store's parts made of statements by the weights of a built store, without any update."""

    graph: KnowledgeGraph
    weights: dict[str, Tensor]
    tensors: dict[str, Tensor]
    features: dict[str, Tensor]
    owners: dict[str, Tensor]
    outcomes: list[dict[str, Any]]


def fresh(built: Store, lines: Sequence[str], folder: Path) -> Fresh:
    file = folder / "fresh.nq"
    file.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")
    graph = with_relations(read([file], prefixes=built.graph.prefixes)[0], built.graph.relations)
    training = Training.of(built)
    assert built.media_root is not None
    media = MediaAccess(built.media_root, cache_folder())
    encoded = encode_observations(graph, DEFAULT, built.settings, media, progress=lambda *_: None)
    assert training.standard is not None
    observations = scaled(encoded.observations, training.standard)
    observations = with_senses(observations, built.manifest["model"]["feature_sizes"])
    weights = weights_by_name(built, graph)
    shape = built.manifest["model"] | {"num_relations": max(2 * graph.num_relations, 1)}
    like = Store(built.folder, built.manifest | {"model": shape})
    vars(like)["weights"] = weights
    links = LinkModel(graph.num_entities, graph.num_relations, built.settings)
    links.load_state_dict(like.part("links."))
    tensors, _ = embed_graph(graph, observations, built.settings, like.model, links, progress=lambda *_: None)
    table = encoded.table.to_pylist()
    return Fresh(graph, weights, tensors, observations.features, observations.owners, table)


def close(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    assert one.keys() == other.keys()
    assert {name: rows.shape for name, rows in one.items()} == {n: rows.shape for n, rows in other.items()}
    return all(torch.allclose(rows, other[name], atol=1e-5, rtol=0) for name, rows in one.items())


def assert_equal(store: Store, expected: Fresh) -> None:
    assert store.graph.equals(expected.graph)
    assert close(store.weights, expected.weights)
    assert close(store.tensors, expected.tensors)
    assert close(store.observations.features, expected.features)
    assert close(store.observations.owners, expected.owners)
    assert store.observed.to_pylist() == expected.outcomes
    counts = store.manifest["counts"]
    assert (counts["entities"], counts["triples"]) == (
        expected.graph.num_entities,
        len(expected.graph.triples),
    )


def run_updates(folder: Path, store: Path, tmp_path: Path, count: int, every: int) -> None:
    draw, pool, built = random.Random(count), pool_of(folder), Store.open(folder / "store")
    for number in range(1, count + 1):
        come, go = pool.step(draw)
        done = changed(store, come, go)
        assert (done.removed, done.absent) == (len(go), 0)
        assert done.added == len(set(come))
        if number % every == 0 or number == count:
            assert_equal(done.store, fresh(built, sorted(pool.stated), tmp_path))
            facts, _ = read([tmp_path / "fresh.nq"], facts=tmp_path / "rdf")
            assert facts.num_entities
            assert quads(done.store.folder / "rdf") == quads(tmp_path / "rdf")


def quads(folder: Path) -> set[str]:
    """All that an Oxigraph store holds."""
    from kg.sparql import Facts

    query = "SELECT ?g ?s ?p ?o { { ?s ?p ?o BIND('' AS ?g) } UNION { GRAPH ?g { ?s ?p ?o } } }"
    return {str(sorted(row.items())) for row in Facts.open(folder).query(query)}


def test_random_updates_leave_what_a_fresh_start_by_the_same_weights_gives(
    folder: Path, store: Path, tmp_path: Path
) -> None:
    run_updates(folder, store, tmp_path, count=12, every=3)


@pytest.mark.long
def test_so_do_a_thousand(folder: Path, store: Path, tmp_path: Path) -> None:
    run_updates(folder, store, tmp_path, count=1000, every=100)


def test_there_and_back_is_as_if_nothing_had_been(folder: Path, store: Path) -> None:
    built = Store.open(folder / "store")
    lines = item_lines(40, "cat") + item_lines(41, "newt")
    changed(store, lines, item_lines(3))
    back = changed(store, item_lines(3), lines).store
    assert back.graph.equals(built.graph)
    assert all(torch.allclose(rows, built.tensors[name], atol=1e-6) for name, rows in back.tensors.items())
    assert close(back.weights, built.weights)
    assert [entry["added"] for entry in back.manifest["updates"]] == [len(lines), len(item_lines(3))]


def test_only_what_is_new_is_encoded_and_no_encoder_is_made_for_nothing(store: Path) -> None:
    made.clear()
    changed(store, [said("item00", EX + "likes", iri("item04"))], item_lines(9))
    assert made == []
    seen.clear()
    changed(store, [said("item77", NAME, '"entirely new words"@en')], [])
    assert seen == [b"entirely new words"]
    assert made == ["text"]


def test_a_picture_is_looked_at_again_if_the_change_names_it(
    folder: Path, store: Path, tmp_path: Path
) -> None:
    media = tmp_path / "media"
    media.mkdir()
    for path in folder.glob("*.png"):
        (media / path.name).write_bytes(path.read_bytes())
    before = Store.open(store).observations.features["image"].clone()
    (media / "1.png").write_bytes(b"painted over")
    (media / "2.png").write_bytes(b"painted over as well")
    done = changed(store, [said("item01", IMAGE, '"1.png"')], [], media_root=media)
    after = done.store.observations.features["image"]
    told = done.store.observed.to_pylist()
    rows = {row["row"] for row in told if row["modality"] == "image" and row["reference"] == "1.png"}
    differs = {place for place in range(len(after)) if not torch.equal(before[place], after[place])}
    assert differs == rows
    assert (done.added, done.present) == (0, 1)
    assert done.store.media_root == media


def test_new_entities_are_found_by_words_facts_and_constraint(store: Path) -> None:
    changed(store, [*item_lines(77, "cat"), said("item77", EX + "likes", iri("item00"))], [])
    searcher = Searcher.open(store)
    hits = searcher.search(entity=EX + "item77", where=f"?x <{ABOUT}> <{EX}cat>", k=30)
    assert {hit.entity for hit in hits} == {EX + f"item{n:02}" for n in range(0, 30, 10)}
    found = searcher.search(entity=EX + "item00", where=f"?x <{EX}likes> <{EX}item00>")
    assert [hit.entity for hit in found] == [EX + "item77"]
    assert found[0].path[-1] == (EX + "item77", EX + "likes", EX + "item00")


def test_what_a_target_learned_is_carried_over(store: Path) -> None:
    before = Predictor.open(Store.open(store), ABOUT)
    entity = before.graph.entity_id(EX + "item12")
    value = before.predict(np.array([entity]))[0]
    done = changed(store, item_lines(30, "cat")[1:], [])
    after = Predictor.open(done.store, ABOUT)
    assert EX + "item30" in after.graph.entities.take(after.candidates()).to_pylist()
    again = after.predict(np.array([after.graph.entity_id(EX + "item12")]))[0]
    assert (again.likeliest, again.entity) == (value.likeliest, value.entity)
    changed(store, [], item_lines(30, "cat")[1:])
    same = Predictor.open(Store.open(store), ABOUT)
    told = same.predict(np.array([same.graph.entity_id(EX + "item12")]))[0]
    assert told.probability == pytest.approx(value.probability, abs=1e-5)


def test_rules_and_link_scores_speak_of_the_same_facts(folder: Path, store: Path) -> None:
    built = Store.open(folder / "store")
    done = changed(store, [said("item00", EX + "anew", iri("item01"))], [])
    before, after = built.completion.completion, done.store.completion.completion
    names = (built.graph.relations.to_pylist(), done.store.graph.relations.to_pylist())
    assert before.rules is not None
    assert after.rules is not None
    assert set(before.rules.table(names[0])) == set(after.rules.table(names[1]))
    head, relation = EX + "item04", EX + "near"
    scores = []
    for store_of, found in ((built, before), (done.store, after)):
        asked = (
            torch.tensor([store_of.graph.entity_id(head)]),
            torch.tensor([store_of.graph.relation_id(relation)]),
        )
        scores.append(found.structure(*asked)[0, store_of.graph.entity_id(EX + "item20")])
    assert float(scores[0]) == pytest.approx(float(scores[1]), abs=1e-2)


def test_an_entity_that_others_point_to_stays_without_observations(store: Path) -> None:
    done = changed(store, [], item_lines(5))
    assert done.pointed == {EX + "item05": 1}
    assert any("1 fact points to it" in sentence for sentence in done.sentences())
    graph = done.store.graph
    gone = graph.entity_id(EX + "item05")
    assert all(gone not in owners.tolist() for owners in done.store.observations.owners.values())
    done = changed(store, [], [said("item07", EX + "near", iri("item05"))])
    assert done.entities_removed == 1
    assert EX + "item05" not in done.store.graph.entities.to_pylist()


def test_a_missing_picture_is_looked_for_again(folder: Path, store: Path, tmp_path: Path) -> None:
    done = changed(store, [said("item00", IMAGE, '"later.png"')], [])
    assert MISSING in [row["status"] for row in done.store.observed.to_pylist()]
    later = folder / "later.png"
    later.write_bytes(b"here it is")
    try:
        done = changed(store, [said("item00", EX + "likes", iri("item04"))], [])
        assert MISSING not in [row["status"] for row in done.store.observed.to_pylist()]
    finally:
        later.unlink()


def test_a_sense_that_the_store_never_learned_is_told_and_its_statement_kept(store: Path) -> None:
    done = changed(store, [said("item00", SCHEMA + "audio", '"0.wav"')], [])
    row = next(row for row in done.store.observed.to_pylist() if row["modality"] == "audio")
    assert "expected a sense that the store was built with (text, image, number)" in row["problem"]
    assert len(done.store.graph.media.filter(done.store.graph.media["modality"].to_numpy() == "audio")) == 1


def test_an_update_without_effect_leaves_the_state(store: Path) -> None:
    done = changed(store, item_lines(3)[:1], [])
    assert (done.added, done.present) == (0, 1)
    assert not list((store / "states").iterdir())
    assert "updates" not in done.store.manifest


def test_numbers_keep_the_scale_and_unit_of_the_training(folder: Path, store: Path) -> None:
    lines = [said(f"item{n}", YEAR, f'"{10**6 + n}"^^<{XSD}integer>') for n in range(50, 90)]
    done = changed(store, lines, [])
    before, after = Store.open(folder / "store"), done.store
    place = {name: place for place, name in enumerate(before.graph.entities.to_pylist())}
    names = after.graph.entities.take(after.observations.owners["number"].numpy()).to_pylist()
    rows = {
        place[name]: row
        for name, row in zip(names, after.observations.features["number"], strict=True)
        if name in place
    }
    old = before.observations
    for owner, row in zip(old.owners["number"].tolist(), old.features["number"], strict=True):
        assert torch.equal(row, rows[owner])


def test_facts_that_follow_are_found_anew(tmp_path: Path) -> None:
    rule = tmp_path / "back.rq"
    rule.write_text("# confidence: 0.5\nCONSTRUCT { ?y <urn:back> ?x } WHERE { ?x <urn:to> ?y }\n")
    (tmp_path / "base.nt").write_text("<urn:a> <urn:to> <urn:b> .\n<urn:b> <urn:on> <urn:c> .\n")
    build([tmp_path / "base.nt"], tmp_path / "store", settings=Settings(epochs=1), rules=[rule])
    rule.unlink()  # the store knows it
    (tmp_path / "add.nt").write_text("<urn:c> <urn:to> <urn:d> .\n")
    done = update(tmp_path / "store", tmp_path / "add.nt", tmp_path / "base.nt")
    facts = done.store.facts.query("SELECT ?s ?o { ?s <urn:back> ?o }")
    assert facts == [{"s": "urn:d", "o": "urn:c"}]
    assert done.store.findings is not None
    assert done.store.findings["inferred"] == {"back": 1}
    assert len(done.store.graph.stated().triples) == 1


def test_an_older_store_without_its_statements_is_updated_by_its_facts(
    folder: Path, store: Path, tmp_path: Path
) -> None:
    (store / "statements.nq").unlink()
    manifest = (store / "manifest.json").read_text()
    (store / "manifest.json").write_text(manifest.replace('  "statements.nq",\n', ""))
    done = changed(store, item_lines(31, "cat"), item_lines(3))
    lines = set((folder / "base.nq").read_text().splitlines()) - set(item_lines(3))
    assert_equal(done.store, fresh(Store.open(folder / "store"), [*lines, *item_lines(31, "cat")], tmp_path))


def test_nothing_to_change_and_no_media_folder_are_refused(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UpdateError, match="expected something to add or to remove"):
        update(store)
    with pytest.raises(UpdateError, match="expected --media-root to be a folder"):
        update(store, tmp_path / "a.nt", media_root=tmp_path / "none")
