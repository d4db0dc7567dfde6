"""From a request to its answer by one state of a store: the library is asked, and its words are put in shape.

It knows no HTTP but the status of what cannot be answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from kg.fact_process import GoneError
from kg.sparql_text import ConstraintError, EndpointError
from pipelines.prediction.predicted import PredictionError
from pipelines.search.milvus_index import MilvusError
from pipelines.search.question import QueryError
from pipelines.search.question import Question as Asked
from pipelines.search.reasons import explain
from pipelines.service.problems import ProblemError
from pipelines.service.requests import (
    MOST_ROWS,
    Batch,
    Explain,
    PredictFact,
    PredictLabel,
    Search,
)
from pipelines.service.responses import (
    Answers,
    Bindings,
    Explained,
    Found,
    Head,
    Hit,
    Named,
    Predicted,
    Predictions,
    Proposals,
    Proposed,
    SparqlResults,
    Why,
)
from pipelines.service.things import media_of
from pipelines.service.uploads import WORDS, received

if TYPE_CHECKING:
    from pipelines.search.explain import Answer
    from pipelines.service.state import State


@contextmanager
def mistakes(*more: type[ValueError]) -> Iterator[None]:
    """Tell what the library says of a request as the mistake of who asks.

    Args:
        more: what else it raises at such a mistake.
    """
    try:
        yield
    except GoneError as error:
        raise ProblemError(503, str(error), {"Retry-After": "2"}) from None
    except (EndpointError, MilvusError) as error:  # what is away may come back
        raise ProblemError(503, " ".join(str(error).split()), {"Retry-After": "5"}) from None
    except ValueError as error:
        if not isinstance(error, (QueryError, ConstraintError, PredictionError, *more)):
            raise
        raise ProblemError(422, " ".join(str(error).split())) from None


def search_each(state: State, asked: Sequence[Search]) -> list[Found | Exception]:
    """Answer several questions, each under its own constraint; one that cannot be answered spoils none."""
    try:
        return [*_answers(state, [Asked(one.query(), one.where, one.inferred) for one in asked], asked)]
    except Exception as error:
        if len(asked) == 1:
            return [error]
    return [found for one in asked for found in search_each(state, [one])]


def search_batch(state: State, asked: Batch) -> Answers:
    """Answer several questions under one constraint."""
    questions = [Asked(one.query(), asked.where, asked.inferred) for one in asked.queries]
    return Answers(answers=_answers(state, questions, [asked] * len(questions)))


def search_by_files(state: State, asked: Search, files: dict[str, BinaryIO]) -> Found:
    """Answer one question that shows files, which are gone afterwards."""
    with TemporaryDirectory(prefix="sensegraph-") as folder:
        paths = received(files, Path(folder))
        try:
            return _answers(state, [Asked(asked.query(**paths), asked.where, asked.inferred)], [asked])[0]
        except ProblemError as error:
            detail = error.detail
            for name, path in paths.items():  # where they lay concerns nobody
                detail = detail.replace(str(path), f"the {WORDS[name.removeprefix('not_')]} in {name}")
            raise ProblemError(error.status, detail, error.headers) from None


def _answers(state: State, questions: Sequence[Asked], asked: Sequence[Search | Batch]) -> list[Found]:
    with mistakes():
        found = state.searcher.answers(questions, [one.k for one in asked])
    return [_found(state, answer, media=one.media) for answer, one in zip(found, asked, strict=True)]


def _found(state: State, answer: Answer, *, media: bool) -> Found:
    hits = [Hit(**hit.as_json(), media=media_of(state, hit.entity) if media else None) for hit in answer]
    anchors = [Named(entity=iri, label=state.searcher.label(iri)) for iri in answer.anchors]
    return Found(hits=hits, candidates=answer.candidates, anchors=anchors, understood=answer.understood)


def explained(state: State, asked: Explain) -> Explained:
    """Say why entities answer a question."""
    question = Asked(asked.query(), asked.where, asked.inferred)
    with mistakes(ValueError):
        found = explain(state.searcher, question, asked.entities)
    return Explained(reasons=[Why(**one.as_json()) for one in found])


def predicted_label(state: State, asked: PredictLabel) -> Predictions:
    """Predict a property of entities."""
    predictor = state.predictors.get(asked.target)
    if predictor is None:
        held = ", ".join(state.predictors) or "none"
        raise ProblemError(
            422, f"expected a target that the store was built with ({held}) (got {asked.target})"
        )
    lacking = predictor.candidates()
    chosen = lacking[: asked.k]
    if asked.entities is not None:
        with mistakes(ValueError):
            ids = [predictor.graph.entity_id(iri) for iri in asked.entities]
        chosen = np.array(ids, dtype=np.int64)
    found = predictor.predict(chosen, abstain=asked.abstain)
    named = (
        "entity", "label", "prediction", "likeliest", "likeliest_label", "probability", "modalities",
    )  # fmt: skip
    return Predictions(
        predictions=[Predicted(**{name: getattr(one, name) for name in named}) for one in found],
        candidates=len(lacking),
    )


def predicted_fact(state: State, asked: PredictFact) -> Proposals:
    """Rank what the missing end of a fact may be."""
    if state.completer is None:
        raise ProblemError(422, "expected a store that learned from facts (this one has none, or is older)")
    with mistakes(ValueError):
        found = state.completer.find(asked.relation, head=asked.head, tail=asked.tail, k=asked.k)
    return Proposals(
        proposals=[Proposed(**one.as_json()) for one in found.proposals],
        candidates=found.candidates,
        remarks=list(found.remarks),
    )


def sparql(state: State, query: str, *, inferred: bool, most: int = MOST_ROWS) -> SparqlResults:
    """Answer a SELECT over the facts."""
    with mistakes():
        names, found, more = state.facts.bindings(
            query, state.store.graph.prefixes, inferred=inferred, most=most
        )
    return SparqlResults(head=Head(vars=names), results=Bindings(bindings=found), truncated=more)
