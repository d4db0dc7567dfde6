"""What a service answers: shapes, of which its OpenAPI description is made."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field


class Media(BaseModel):
    """A picture, sound or series of an entity: where this service has it, or why it has not."""

    modality: str
    name: str
    href: str | None = None
    problem: str | None = None


class RuleOf(BaseModel):
    """What inferred a fact, and how sure it is."""

    rule: str
    confidence: float


class Hit(BaseModel):
    """One answer, as the library's `Hit.as_json` has it."""

    entity: str
    label: str
    score: float
    modalities: dict[str, float]
    path: list[tuple[str, str, str]]
    rules: list[RuleOf | None] | None = None
    media: list[Media] | None = None


class Named(BaseModel):
    """An entity and its label."""

    entity: str
    label: str


class Found(BaseModel):
    """An answer."""

    hits: list[Hit]
    candidates: int = Field(description="how many entities might answer")
    anchors: list[Named] = Field(description="what was recognised in the question")
    understood: list[str] = Field(description="how what is not wanted and what is preferred was taken")


class Answers(BaseModel):
    """Answers to several questions, in their order."""

    answers: list[Found]


class Evidence(BaseModel):
    """The observation that is nearest to what was shown."""

    modality: str
    reference: str
    similarity: float


class Without(BaseModel):
    """Rank and score if something were not so."""

    without: str
    rank: int
    score: float


class Why(BaseModel):
    """Why an entity answers, as the library's `Reasons.as_json` has it."""

    entity: str
    label: str
    rank: int
    score: float
    candidates: int
    shares: dict[str, float]
    evidence: list[Evidence]
    paths: list[list[tuple[str, str, str]]]
    without: list[Without]


class Explained(BaseModel):
    """Reasons for each entity, in their order."""

    reasons: list[Why]


class Predicted(BaseModel):
    """The likeliest value of a property for one entity; `prediction` is null where the model abstains."""

    entity: str
    label: str
    prediction: str | None
    likeliest: str
    likeliest_label: str
    probability: float
    modalities: dict[str, float]


class Predictions(BaseModel):
    """What is predicted, and of how many entities it could be."""

    predictions: list[Predicted]
    candidates: int


class Proposed(BaseModel):
    """A fact that may be missing."""

    head: str
    relation: str
    tail: str
    label: str
    rank: int
    score: float
    probability: float | None
    parts: dict[str, float]
    reasons: list[str]


class Proposals(BaseModel):
    """Facts that may be missing, best first, and what is to be said of them."""

    proposals: list[Proposed]
    candidates: int
    remarks: list[str]


class Value(BaseModel):
    """A value that an entity has."""

    predicate: str
    value: str
    language: str | None
    datatype: str | None


class FactOf(BaseModel):
    """A fact with the labels of its ends; `inferred` where it was not stated."""

    head: Named
    relation: str
    tail: Named
    inferred: RuleOf | None = None


class Entity(BaseModel):
    """All that the store has of an entity; of facts as many as were wanted, and how many there are."""

    entity: str
    label: str
    literals: list[Value]
    facts: list[FactOf]
    fact_count: int
    media: list[Media]


class Bindings(BaseModel):
    """Solutions."""

    bindings: list[dict[str, Any]]


class Head(BaseModel):
    """Variables."""

    vars: list[str]


class SparqlResults(BaseModel):
    """SPARQL 1.1 Query Results JSON; `truncated` where there were more solutions than the limit."""

    head: Head
    results: Bindings
    truncated: bool = False


class Health(BaseModel):
    """That the service answers, from which state of the store, and why from no newer one."""

    status: Literal["ok"] = "ok"
    entities: int
    state: str
    loaded: float = Field(description="seconds since 1970")
    newer: str | None = Field(None, description="why a newer state of the store could not be read")
