"""What a build infers and checks, and what it says and writes of that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kg.closure import ReasoningError
from kg.construct import read_rules
from kg.reasoning import Findings, Reasoning
from pipelines.settings import Settings
from pipelines.wording import counted


def reasoning_of(
    settings: Settings, rules: Sequence[str | Path], shapes: Sequence[str | Path], strict: bool
) -> Reasoning | None:
    """What is to be inferred and checked; None for nothing.

    A property that shall be predicted is neither a premise nor a conclusion: what follows from the answers
    would give them away.

    Raises:
        ReasoningError: a rule is wrong, or a file of shapes is not there.
    """
    if settings.reason == "none" and not (rules or shapes or strict):
        return None
    for path in shapes:
        if not Path(path).is_file():
            raise ReasoningError(f"{path}: expected a file of SHACL shapes (got a path that is not there)")
    return Reasoning(
        profile=settings.reason,
        rules=read_rules(rules),
        shapes=tuple(map(Path, shapes)),
        unseen=frozenset(settings.target),
        seconds=settings.reason_seconds,
    )


def check_findings(report: dict[str, Any], strict: bool) -> None:
    """Refuse facts at fault where that is strict.

    Raises:
        ReasoningError: naming the first faults.
    """
    found = report["findings"]
    faults = [] if found is None else Findings(**found).faults()
    if strict and faults:
        shown = "; ".join(faults[:3])
        got = f"{counted(len(faults), 'fault')}: {shown}"
        raise ReasoningError(
            f"expected facts without contradictions that fit the shapes (got {got}): "
            "correct them, or leave --strict out"
        )


def told(findings: dict[str, Any] | None, most: int = 5) -> list[str]:
    """Sentences on what was inferred and on what is wrong, the first of each kind."""
    if findings is None:
        return []
    found = Findings(**findings)
    lines = [f"inferred by {rule}: {counted(count, 'fact')}" for rule, count in found.inferred.items()]
    for sentences in (found.faults(), found.warnings()):
        lines += sentences[:most]
        if len(sentences) > most:
            lines.append(f"{len(sentences) - most:,} more (see findings.json)")
    return lines
