"""What may be asked of a service: shapes and limits, of which its OpenAPI description is made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.search.question import Query

MOST_HITS, MOST_BATCH, MOST_UNWANTED, MOST_PREFERRED, MOST_ENTITIES = 100, 32, 8, 8, 100
"""Of one request."""
MOST_EXPLAINED = 3
"""Entities explained at once: each relation of their chains is left out in turn, which takes time."""
MOST_FACTS = 1000
MOST_ROWS = 10_000
"""Solutions of a SPARQL query."""

Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Iri = Annotated[str, Field(min_length=1, max_length=2_000)]
Sparql = Annotated[str, Field(min_length=1, max_length=20_000)]
ShortText = Annotated[str, Field(min_length=1, max_length=1_000)]
ShortSparql = Annotated[str, Field(min_length=1, max_length=4_000)]
"""Of an address: servers and proxies cut longer ones off."""
Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Preference = Annotated[float, Field(ge=-1000, le=1000, allow_inf_nan=False)]
Sense = Literal["joint", "graph", "text", "image", "audio", "not"]
Hits = Annotated[int, Field(ge=1, le=MOST_HITS, description="most hits wanted")]
Unwanted = Annotated[list[Text], Field(max_length=MOST_UNWANTED)]
UnwantedEntities = Annotated[list[Iri], Field(max_length=MOST_UNWANTED)]


class Asking(BaseModel):
    """A request; what is not described is refused."""

    model_config = ConfigDict(extra="forbid")


class Question(Asking):
    """What is asked, as `Searcher.search` takes it; files come by /search/upload alone."""

    text: Text | None = Field(None, description="any words")
    entity: Iri | None = Field(None, description="an entity to be like and near to")
    weights: dict[Sense, Weight] = Field({}, description="how much a sense counts")
    not_text: Unwanted = Field([], description="words for what is not wanted")
    not_entity: UnwantedEntities = Field([], description="entities that are not wanted, nor what is of them")
    prefer: Annotated[dict[Sparql, Preference], Field(max_length=MOST_PREFERRED)] = Field(
        {}, description="what the entities of a SPARQL pattern gain in score, or lose"
    )

    def query(self, **media: Any) -> Query:
        """The same as the library asks it, with files that lie here."""
        return Query(
            text=self.text,
            entity=self.entity,
            weights={str(name): weight for name, weight in self.weights.items()} or None,
            not_text=self.not_text or None,
            not_entity=self.not_entity or None,
            prefer=self.prefer or None,
            **media,
        )


class Constraint(Asking):
    """Which entities may answer."""

    where: Sparql | None = Field(None, description="SPARQL graph pattern, or a SELECT, that binds ?x")
    inferred: bool = Field(True, description="whether patterns see what follows from the facts")


class Search(Question, Constraint):
    """One question under one constraint."""

    k: Hits = 10
    media: bool = Field(False, description="whether each hit tells where its media are")


class SearchParameters(Constraint):
    """One question, as an address can hold it."""

    where: ShortSparql | None = Field(None, description="SPARQL graph pattern, or a SELECT, that binds ?x")
    text: ShortText | None = Field(None, description="any words")
    entity: Iri | None = Field(None, description="an entity to be like and near to")
    not_text: list[ShortText] = Field([], max_length=MOST_UNWANTED, description="what is not wanted")
    not_entity: UnwantedEntities = Field([], description="entities that are not wanted, nor what is of them")
    k: Hits = 10
    media: bool = Field(False, description="whether each hit tells where its media are")

    def search(self) -> Search:
        """The same as a body holds it."""
        return Search(**self.model_dump())


class Batch(Constraint):
    """Several questions under one constraint."""

    queries: list[Question] = Field(min_length=1, max_length=MOST_BATCH)
    k: Hits = 10
    media: bool = Field(False, description="whether each hit tells where its media are")


class Explain(Question, Constraint):
    """Why entities answer a question."""

    entities: list[Iri] = Field(min_length=1, max_length=MOST_EXPLAINED)


class PredictLabel(Asking):
    """A property that entities lack, which the store was built for with --target."""

    target: Iri
    entities: list[Iri] | None = Field(
        None, min_length=1, max_length=MOST_ENTITIES, description="by default the first that lack it"
    )
    abstain: float = Field(0.0, ge=0, le=1, description="least probability of a prediction")
    k: Hits = 10


class PredictFact(Asking):
    """The missing end of a fact."""

    relation: Iri
    head: Iri | None = Field(None, description="what the fact is about; its tails are ranked")
    tail: Iri | None = Field(None, description="alone: its heads are ranked; with a head: this one fact")
    k: Hits = 10

    @model_validator(mode="after")
    def _has_an_end(self) -> PredictFact:
        if self.head is None and self.tail is None:
            raise ValueError("expected a head or a tail (got neither)")
        return self
