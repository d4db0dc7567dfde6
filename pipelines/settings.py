"""Every setting of a build, its default and its meaning; each becomes a flag of build_kg by itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

ENCODED = ("text", "image", "audio", "series")
"""Modalities that have an encoder; others in the data are counted and left."""

REASON = ("none", "rdfs", "owl")
"""What may be inferred by the meaning of RDFS and OWL."""
LOGS = ("tensorboard", "wandb", "mlflow", "none")
"""Where the course of a training can be written to."""

_TUPLES = ("languages", "target", "log", "hierarchy")


def _help(meaning: str) -> dict[str, Any]:
    return {"help": meaning}


@dataclass(frozen=True)
class Settings:
    """What a build depends on, apart from its inputs."""

    fusion: str = field(default="attention", metadata=_help("how the senses become one vector"))
    encoder: dict[str, str] = field(
        default_factory=dict, metadata=_help("encoder by modality, as image=NAME; repeat for more")
    )
    languages: tuple[str, ...] = field(
        default=("en",), metadata=_help("languages to read texts in, best first")
    )
    reason: str = field(
        default="none", metadata=_help("infer what follows from the facts: none, rdfs or owl (OWL 2 RL)")
    )
    reason_seconds: float = field(
        default=300.0, metadata=_help("longest that one rule, closure or check may take")
    )
    epochs: int = field(
        default=60, metadata=_help("most epochs of each objective; validation may stop earlier")
    )
    seed: int = field(default=0, metadata=_help("of all that is random"))
    width: int = field(default=128, metadata=_help("numbers kept of each sense in the joint vector"))
    structure_width: int = field(
        default=64, metadata=_help("width of the structure vectors of the link objective")
    )
    learning_rate: float = field(default=0.01, metadata=_help("of the link objective (Adam)"))
    n3: float = field(default=0.1, metadata=_help("weight of the N3 penalty of the link objective"))
    batch: int = field(default=2048, metadata=_help("facts in a step of the link objective"))
    neighbors: int = field(
        default=0,
        metadata=_help(
            "facts drawn around an entity in a step of the link objective, for each hop; 0 for all"
        ),
    )
    hidden_share: float = field(
        default=0.3, metadata=_help("share of the concepts that an alignment step hides")
    )
    hardness: float = field(
        default=0.0,
        metadata=_help("how much more a near wrong answer counts in alignment; 0 counts all alike"),
    )
    reconstruction: float = field(
        default=1.0, metadata=_help("weight of what the autoencoder's reconstruction is off by")
    )
    target: tuple[str, ...] = field(
        default=(), metadata=_help("a property to predict, as an IRI; repeat for more") | {"repeat": True}
    )
    label_width: int = field(
        default=1024, metadata=_help("most numbers kept of each sense where labels are predicted")
    )
    label_share: float = field(
        default=1.0,
        metadata=_help("share of the labels to learn and validate from; the graph stays whole"),
    )
    group: str = field(
        default="",
        metadata=_help(
            "a property, as an IRI: of those that share its value (one patient's studies, runs cut from one "
            "recording) none are learned from while others are judged"
        ),
    )
    balance: bool = field(default=False, metadata=_help("weigh classes so that rare ones count as much"))
    modality_dropout: float = field(
        default=0.2, metadata=_help("chance that a step of the label objective hides a sense of an entity")
    )
    feature_noise: float = field(
        default=0.1, metadata=_help("length of the noise that a step of the label objective adds to a sense")
    )
    learn_absent: bool = field(
        default=True,
        metadata=_help("whether a sense that an entity lacks is known to be missing, rather than zeros"),
    )
    valid_share: float = field(
        default=0.1, metadata=_help("share of the concepts and of the facts kept for validation")
    )
    test_share: float = field(default=0.3, metadata=_help("share of the concepts kept for the test"))
    link_share: float = field(
        default=0.05, metadata=_help("share of the facts kept for each of validation and test")
    )
    patience: int = field(default=5, metadata=_help("validations without a gain before training stops"))
    damping: float = field(
        default=0.95, metadata=_help("chance of a further step in the diffusion over the facts")
    )
    log: tuple[str, ...] = field(
        default=("tensorboard",),
        metadata=_help(
            "where losses and scores go: tensorboard (in the store's logs/), wandb, mlflow (both offline "
            "unless their own variables say otherwise), several of them, or none"
        ),
    )
    prior: dict[str, float] = field(
        default_factory=dict, metadata=_help("prior of a relation in [0, 1], as IRI=0.5; 1 if not given")
    )
    hierarchy: tuple[str, ...] = field(
        default=(),
        metadata=_help(
            "a relation from what is below to what is above, beside skos:broader, rdfs:subClassOf and their "
            "like; repeat for more"
        )
        | {"repeat": True},
    )
    order: float = field(
        default=0.03,
        metadata=_help("weight of the order of the hierarchies in the link objective; 0 for none"),
    )

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ValueError: naming the setting, what was expected and what came.
        """
        _check_numbers(self)
        if self.reason not in REASON:
            raise ValueError(f"expected reason among {', '.join(REASON)} (got {self.reason!r})")
        if not self.reason_seconds > 0:
            raise ValueError(f"expected reason_seconds above 0 (got {self.reason_seconds})")
        if unknown := sorted(self.encoder.keys() - set(ENCODED)):
            raise ValueError(f"expected an encoder for {', '.join(ENCODED)} (got one for {unknown[0]!r})")
        if not (self.valid_share > 0 and self.test_share >= 0 and self.valid_share + self.test_share < 0.9):
            raise ValueError(
                "expected valid_share above 0 and with test_share below 0.9 "
                f"(got {self.valid_share} and {self.test_share})"
            )
        unknown = sorted(set(self.log) - set(LOGS))
        if unknown or not self.log or ("none" in self.log and len(self.log) > 1):
            got = ",".join(self.log)
            raise ValueError(f"expected logs among {', '.join(LOGS)}, none standing alone (got {got!r})")
        for relation, prior in self.prior.items():
            if not 0 <= prior <= 1:
                raise ValueError(f"expected a prior in [0, 1] for {relation} (got {prior})")

    def as_json(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return {
            **asdict(self),
            "languages": list(self.languages),
            "target": list(self.target),
            "log": list(self.log),
            "hierarchy": list(self.hierarchy),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Settings:
        """Read them back.

        Raises:
            ValueError: if a setting is unknown.
        """
        known = {item.name for item in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"expected settings among {', '.join(sorted(known))} (got {', '.join(unknown)})")
        return cls(**values | {name: tuple(values[name]) for name in _TUPLES if name in values})


def _check_numbers(settings: Settings) -> None:
    """Check each number alone; NaN is in no range."""
    counts = ("epochs", "width", "structure_width", "label_width", "batch", "patience")
    amounts = ("seed", "learning_rate", "n3", "neighbors", "reconstruction", "feature_noise")
    least = dict.fromkeys(counts, 1) | dict.fromkeys((*amounts, "hardness", "order"), 0)
    for name, low in least.items():
        if not low <= getattr(settings, name) < float("inf"):
            raise ValueError(f"expected {name} of at least {low} (got {getattr(settings, name)})")
    if not 0 <= settings.modality_dropout < 1:
        raise ValueError(f"expected modality_dropout in [0, 1) (got {settings.modality_dropout})")
    if not 0 < settings.label_share <= 1:
        raise ValueError(f"expected label_share in (0, 1] (got {settings.label_share})")
    for name, high in {"damping": 1, "hidden_share": 1, "link_share": 0.5}.items():
        if not 0 < getattr(settings, name) < high:
            raise ValueError(f"expected {name} between 0 and {high} (got {getattr(settings, name)})")
