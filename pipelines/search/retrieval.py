"""Ask a store: by text, picture, sound, entity or any mix, under a SPARQL constraint, with reasons.

A query is a new entity: what it shows are its observations, what it names are its facts. The constraint
becomes a set of ids before anything is scored, so the answer holds k hits or all that are allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from kg.paths import PathFinder
from kg.vocabulary import DEFAULT, Vocabulary
from pipelines.search.answering import answered
from pipelines.search.asking import Asker
from pipelines.search.constraint import matching, things
from pipelines.search.exhibit import Exhibit
from pipelines.search.explain import Answer, Hit, InferredSteps
from pipelines.search.narrowing import narrowed
from pipelines.search.question import Ids, Query, QueryError, Question
from pipelines.search.scoring import Scorer
from pipelines.senses.joint import RDF_TYPE
from pipelines.store.store import Store

if TYPE_CHECKING:
    import networkx
    import pyarrow as pa

    from pipelines.search.narrowing import SenseIndex
    from pipelines.search.question import Keywords
    from pipelines.search.reasons import Reasons

KEPT = 8
"""Relations of which it is kept how everything scores without them: a copy of all vectors each."""


class Searcher:
    """Answers questions about one store; opened once, asked often.

    Args:
        store: the opened store.
        device: where encoders run.
        vocabulary: which classes are vocabulary rather than things.
        media_root: folder of the media to show; by default that which the store was built from.
        index: finds the nearest by each sense; without one all that may answer are compared.
    """

    def __init__(
        self,
        store: Store,
        *,
        device: str = "cpu",
        vocabulary: Vocabulary = DEFAULT,
        media_root: str | Path | None = None,
        index: SenseIndex | None = None,
    ) -> None:
        self.index = index
        self.store, self.device, self.vocabulary = store, device, vocabulary
        self.media_root = store.media_root if media_root is None else Path(media_root)
        self._without: dict[str, Scorer] = {}

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        device: str = "cpu",
        media_root: str | Path | None = None,
        facts: str | None = None,
        index: str | None = None,
    ) -> Searcher:
        """Open a store folder for asking.

        Args:
            folder: what a build left.
            device: where encoders run.
            media_root: see `Searcher`.
            facts: URL of a SPARQL 1.1 endpoint that answers constraints, rather than the store's own facts.
            index: URI of a Milvus that was filled with the store's vectors (see pipelines.index).

        Raises:
            StoreError: if there is no whole store of this format.
            ValueError: if the URL is none, or the index is not that of the store.
            ImportError: if what the index needs is not installed.
        """
        store = Store.open(folder)
        if facts is not None:
            from kg.endpoint_facts import EndpointFacts

            store = store.as_if(facts=EndpointFacts(facts))
        found: SenseIndex | None = None
        if index is not None:
            from pipelines.search.milvus_index import MilvusIndex

            found = MilvusIndex(index, store, constraints=facts is None)
        return cls(store, device=device, media_root=media_root, index=found)

    def over(self, store: Store) -> Searcher:
        """Ask another store in the same way, with the same encoders (see pipelines.search.alternative)."""
        other = Searcher(store, device=self.device, vocabulary=self.vocabulary, media_root=self.media_root)
        other.asker.encoders = self.asker.encoders
        return other

    def search(
        self,
        text: str | None = None,
        *,
        image: str | Path | None = None,
        audio: str | Path | None = None,
        entity: str | None = None,
        where: str | None = None,
        prefer: Mapping[str, float] | None = None,
        not_text: str | Sequence[str] | None = None,
        not_image: str | Path | Sequence[str | Path] | None = None,
        not_audio: str | Path | Sequence[str | Path] | None = None,
        not_entity: str | Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
        inferred: bool = True,
        k: int = 10,
    ) -> Answer:
        """Answer one question.

        Args:
            text: any words.
            image: a picture file.
            audio: a sound file.
            entity: IRI of an entity to be like and near to; it is not among its own answers.
            where: SPARQL graph pattern, or a whole SELECT, that binds ``?x``.
            prefer: by such a pattern what its entities gain in score, or lose if it is negative.
            not_text: words for what is not wanted, or several. If they name a kind, all that is of it by the
                facts is left out; otherwise what is like them comes later (see pipelines.search.negation).
            not_image: likewise a picture.
            not_audio: likewise a sound.
            not_entity: likewise an entity's IRI.
            weights: by what counts (joint, graph, text, image, audio, not); 1 is usual but for graph's 0.3.
            inferred: whether patterns and kinds see what follows from the facts, or only what was stated;
                they do by default, as who builds with an ontology wants a cat to be an animal.
            k: most hits wanted.

        Raises:
            QueryError: nothing asked, an unknown entity or weight, an unreadable file.
            ConstraintError: the SPARQL is wrong, or takes too long.
        """
        query = Query(text, image, audio, entity, weights, not_text, not_image, not_audio, not_entity, prefer)
        return self.search_batch([query], where=where, inferred=inferred, k=k)[0]

    def search_batch(
        self, queries: Sequence[Query], *, where: str | None = None, inferred: bool = True, k: int = 10
    ) -> list[Answer]:
        """Answer several questions under one constraint; encoders and products run once for all.

        Raises:
            QueryError: see `search`.
            ConstraintError: see `search`.
        """
        return self.answers([Question(query, where, inferred) for query in queries], [k] * len(queries))

    def answers(self, questions: Sequence[Question], most: Sequence[int]) -> list[Answer]:
        """Answer several questions, each under its own constraint; encoders and products run once for all.

        Args:
            questions: what is asked.
            most: most hits wanted of each.

        Raises:
            QueryError: see `search`; of any of the questions.
            ConstraintError: see `search`; of any of the questions.
        """
        for k in most:
            if k < 1:
                raise QueryError(f"expected k of at least 1 (got {k})")
        if not questions:
            return []
        # the facts are asked while the encoders work
        each_once = cache(lambda where, inferred: self.allowed(where, inferred=inferred))
        with ThreadPoolExecutor(1) as beside:
            allowed = beside.map(lambda one: each_once(one.where, one.inferred), questions)
            asked = self.asker.asked(questions)
            terms = self.scorer.terms(asked) if self.index is None else []
            permitted = list(allowed)
        if self.index is None:
            found = zip(asked, terms, permitted, most, questions, strict=True)
            return [answered(self, *one) for one in found]
        answers = []
        placed = self.scorer.placed(asked)
        for one, place, ids, k, question in zip(asked, placed, permitted, most, questions, strict=True):
            # an index stores constraints as they see what follows; the empty one is never among them
            stored = question.where if question.inferred or question.where is None else ""
            terms_of, among = narrowed(self.index, self.scorer, one, place, one.candidates(ids), stored, k)
            answers.append(answered(self, one, terms_of, ids, k, question, among))
        return answers

    def explain(self, hit: Hit | str, text: str | None = None, **asked: Unpack[Keywords]) -> Reasons:
        """Say why a hit, or any entity that may answer, answers a question (see pipelines.search.reasons).

        Args:
            hit: a hit of the question's answer, or the IRI of an entity.
            text: as `search` takes it.
            asked: all else as `search` takes it, but for `k`.

        Raises:
            QueryError: see `search`.
            ConstraintError: see `search`.
            ValueError: the entity is unknown or may not answer.
        """
        from pipelines.search.reasons import explain

        iri = hit if isinstance(hit, str) else hit.entity
        return explain(self, Question.of(text, **asked), [iri])[0]

    def without(self, relation: str) -> Scorer:
        """Scores as if no fact of a relation were stated; the last few relations are kept.

        Raises:
            ValueError: the graph has no such relation.
        """
        from pipelines.search.alternative import with_prior

        if relation not in self._without:
            while len(self._without) >= KEPT:
                del self._without[next(iter(self._without))]
            self._without[relation] = with_prior(self, {relation: 0.0}).scorer
        return self._without[relation]

    def sparql(self, query: str) -> pa.Table:
        """Answer a SPARQL SELECT over the store's facts, which it cannot change.

        Returns:
            A column for each variable; `.to_pandas()` makes it a data frame where pandas is installed.

        Raises:
            ConstraintError: it is no SELECT, or is malformed.
        """
        return self.store.facts.table(query, self.store.graph.prefixes)

    def neighbourhood(self, entity: Hit | str, k: int = 20) -> networkx.MultiDiGraph:
        """The facts around an entity, with the attention they carry (see pipelines.search.neighbourhood).

        Raises:
            ValueError: the entity is unknown, or k is below 1.
        """
        from pipelines.search.neighbourhood import neighbourhood

        return neighbourhood(self, entity if isinstance(entity, str) else entity.entity, k)

    def allowed(self, where: str | None, *, inferred: bool = True) -> Ids:
        """Ids that a constraint leaves; without one, all things (terms of a vocabulary left out)."""
        return self._things if where is None else matching(self.store, where, inferred=inferred)

    @cached_property
    def labels(self) -> list[str]:
        """A label for each entity."""
        return self.store.graph.labels(self.store.settings.languages)

    def label(self, iri: str) -> str:
        """The label of one entity."""
        return self.labels[self.store.graph.entity_id(iri)]

    @cached_property
    def exhibit(self) -> Exhibit:
        """What of the store can be shown."""
        return Exhibit(self.store, self.labels, self.media_root)

    @cached_property
    def _things(self) -> Ids:
        return things(self.store.graph, self.vocabulary)

    @cached_property
    def finder(self) -> PathFinder:
        """Finds chains of facts; the class of a thing is no reason, nor is a relation of prior 0."""
        graph = self.store.graph
        return PathFinder(graph.triples, graph.num_entities, self._ignored)

    @cached_property
    def _ignored(self) -> list[int]:
        silent = {iri for iri, prior in self.store.settings.prior.items() if prior == 0}
        relations = enumerate(self.store.graph.relations.to_pylist())
        return [place for place, iri in relations if iri == RDF_TYPE or iri in silent]

    @cached_property
    def steps(self) -> InferredSteps:
        """Tells which facts were inferred, and by what."""
        return InferredSteps(self.store.graph, self._ignored)

    @cached_property
    def asker(self) -> Asker:
        """Puts queries in the store's terms."""
        return Asker(self.store, self.scorer, self.device, self.vocabulary)

    @cached_property
    def scorer(self) -> Scorer:
        """Scores every entity by a question in the store's terms."""
        return Scorer(self.store)

    def named(self, path: Sequence[tuple[int, int, int]]) -> list[tuple[str, str, str]]:
        """Facts by their IRIs."""
        graph = self.store.graph
        return [
            (graph.entities[h].as_py(), graph.relations[r].as_py(), graph.entities[t].as_py())
            for h, r, t in path
        ]
