"""Links told by what was observed of the entities: what reads, looks or sounds like a tail of this relation.

The senses stand side by side in one row for each entity, each in its own principal components. These are kept
with the scorer, so that entities observed later are told in the same terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from fusion.base import View, unit
from fusion.names import Names
from fusion.senses import SenseFusion
from kg.feature_links import BATCH, EPOCHS, FeatureLinks
from pipelines.senses.numbers import NUMBER

WIDTH = 128
"""Principal components of each sense."""

OPERATIONS = 1e14
"""Multiplications that a training may take: some minutes on two cores."""

SENSES, LINKS = "senses.", "sense_links."
"""Before the names of the tensors in a file."""

BY_RELATION = (f"{LINKS}relation.weight", f"{LINKS}likeness.weight")
"""Tensors with a row for each relation, and one for each inverse."""


@dataclass(frozen=True)
class Observed:
    """What the encoders gave: ``features[modality] (m, d)``, ``owners[modality] (m,)`` the entity of each."""

    num_entities: int
    features: Mapping[str, Tensor]
    owners: Mapping[str, Tensor]
    names: Names | None = None

    @classmethod
    def of(cls, num_entities: int, features: Mapping[str, Tensor], owners: Mapping[str, Tensor]) -> Observed:
        """All but numbers, whose scale belongs to another split, and senses of which nothing is there."""
        names = [name for name, rows in features.items() if name != NUMBER and len(rows)]
        return cls(num_entities, {n: features[n] for n in names}, {n: owners[n] for n in names})


def learn_sense_links(
    observed: Observed | None, facts: Tensor, num_relations: int, seed: int
) -> tuple[SenseFusion, FeatureLinks] | None:
    """Spaces of the senses, and a scorer of facts ``(t, 3)`` by them.

    None where nothing was observed, there are no facts, or one pass over them would take too long.
    """
    if observed is None or not observed.features or not len(facts):
        return None
    device = next(iter(observed.features.values())).device
    senses = spaces({name: rows.shape[1] for name, rows in observed.features.items()}).to(device)
    everyone = torch.ones(observed.num_entities, dtype=torch.bool, device=device)
    senses.fit_senses(observed, everyone)
    features = sense_rows(senses, observed)
    epochs = min(EPOCHS, int(OPERATIONS // _operations(features, len(facts))))
    if not epochs:
        return None
    return senses, FeatureLinks.learned(features, facts, num_relations, epochs=epochs, seed=seed)


def spaces(sizes: Mapping[str, int]) -> SenseFusion:
    """Spaces of senses of these widths, not fitted yet."""
    return SenseFusion(dict(sizes), 1, width=WIDTH)


def sense_rows(senses: SenseFusion, observed: Observed) -> Tensor:
    """All senses of each entity side by side: ``(n, d)``, unit length, zeros where nothing was observed."""
    with torch.no_grad():
        return unit(senses.side_by_side(View(senses.own(observed))))


def tensors_of(senses: SenseFusion, links: FeatureLinks) -> dict[str, Tensor]:
    """What a file keeps of both."""
    out = {f"{SENSES}{name}": value for name, value in senses.state_dict().items()}
    return out | {f"{LINKS}{name}": value for name, value in links.state_dict().items()}


def links_from(tensors: Mapping[str, Tensor], observed: Observed) -> tuple[SenseFusion, FeatureLinks] | None:
    """The scorer that a file keeps, over what is observed now; None if it keeps none."""
    kept = {prefix: _under(tensors, prefix) for prefix in (SENSES, LINKS)}
    if not kept[LINKS]:
        return None
    sizes = {
        name.removeprefix("mean_"): len(value)
        for name, value in kept[SENSES].items()
        if name.startswith("mean_")
    }
    senses = spaces(sizes)
    senses.load_state_dict(kept[SENSES])
    rows = sense_rows(senses, _with_all(observed, sizes))
    links = FeatureLinks(rows, len(kept[LINKS]["relation.weight"]) // 2)
    links.load_state_dict(kept[LINKS])
    return senses, links.eval()


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): rows for name, rows in tensors.items() if name.startswith(prefix)}


def _with_all(observed: Observed, sizes: Mapping[str, int]) -> Observed:
    """The senses that the spaces know; one of which nothing is left is there without a row."""
    features = {name: observed.features.get(name, torch.zeros(0, size)) for name, size in sizes.items()}
    owners = {name: observed.owners.get(name, torch.zeros(0, dtype=torch.int64)) for name in sizes}
    return Observed(observed.num_entities, features, owners)


def _operations(features: Tensor, facts: int) -> float:
    """Multiplications of one pass: each step projects all entities, and compares them with a batch."""
    entities, size = features.shape
    steps = -(-2 * facts // BATCH)
    return 3.0 * steps * entities * (size * WIDTH + BATCH * (size + WIDTH))
