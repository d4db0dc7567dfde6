"""What a store keeps so that missing facts can be found: rules, rows, senses, their blend and calibration.

All is chosen on facts held out: rules are mined, and rows encoded, without them. What is kept then knows all.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fusion.base import JointGraph
from fusion.senses import SenseFusion
from kg.completion import Blend, Completion, Platt, choose_blend, fit_platt, query_parts
from kg.feature_links import FeatureLinks
from kg.links import Answers, ComplEx, both_directions
from kg.rule_mining import mine
from kg.rules import Mining, Rules
from pipelines.settings import Settings
from pipelines.training.link_facts import LinkFacts
from pipelines.training.links import LinkModel, structure_of
from pipelines.training.sense_links import Observed, learn_sense_links, links_from, tensors_of

TOP = 10
"""Candidates of each held-out query that the calibration learns from."""

MOST = 1000
"""Held-out facts that the choice, the calibration and the score each look at."""

FILES = ("completion.safetensors", "completion.json", "rules.parquet", "rejected.parquet")


@dataclass(frozen=True)
class LearnedCompletion:
    """What training leaves; `completion` knows all facts, `senses` are the spaces of its further scorer.

    Shapes: ``rejected (k, 3)`` facts that a person refused.
    """

    completion: Completion
    platt: Platt | None
    rejected: NDArray[np.int64]
    senses: SenseFusion | None = None

    def save(self, folder: Path) -> None:
        """Write the four files."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        from pipelines.files import save_tensors, write_json

        completion = self.completion
        assert completion.rules is not None
        assert completion.rows is not None
        assert completion.scorer is not None
        tensors = {"rows": completion.rows, "relation": completion.scorer.relation}
        if self.senses is not None and isinstance(completion.further, FeatureLinks):
            tensors |= tensors_of(self.senses, completion.further)
        save_tensors(tensors, folder / "completion.safetensors")
        about = {
            "blend": asdict(completion.blend),
            "platt": None if self.platt is None else asdict(self.platt),
        }
        write_json(folder / "completion.json", about)
        completion.rules.save(folder / "rules.parquet")
        columns = dict(zip(("head", "relation", "tail"), self.rejected.T, strict=True))
        pq.write_table(pa.table(columns), folder / "rejected.parquet")

    @classmethod
    def load(cls, folder: Path, triples: NDArray[np.int64], observed: Observed) -> LearnedCompletion:
        """Read what `save` wrote, over the store's facts and what it observed.

        Raises:
            ValueError: if a file is missing or damaged.
        """
        import pyarrow.parquet as pq
        from safetensors.torch import load_file

        about: dict[str, Any] = json.loads((folder / "completion.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "completion.safetensors")
        num_entities = observed.num_entities
        rules = Rules.load(folder / "rules.parquet", triples, num_entities)
        count, width = len(tensors["relation"]) // 2, tensors["rows"].shape[1]
        scorer = ComplEx(count, width // 2)
        scorer.load_state_dict({"relation": tensors["relation"]})
        completion = Completion.of(
            torch.from_numpy(triples),
            num_entities,
            count,
            scorer=scorer,
            rows=tensors["rows"],
            rules=rules,
            blend=Blend(**about["blend"]),
        )
        with pq.ParquetFile(folder / "rejected.parquet") as file:
            table = file.read()
        rejected = np.stack([table[name].to_numpy() for name in ("head", "relation", "tail")], axis=1)
        platt = None if about["platt"] is None else Platt(**about["platt"])
        found = links_from(tensors, observed)
        if found is None:
            return cls(completion, platt, rejected)
        senses, further = found
        return cls(replace(completion, further=further), platt, rejected, senses)


def choose_completion(
    links: LinkModel, facts: LinkFacts, settings: Settings, rejected: NDArray[np.int64]
) -> tuple[Completion, Platt | None]:
    """Mine the training facts, learn senses by them, and choose blend and calibration on those of validation.

    Args:
        links: the link model trained on these facts.
        facts: to learn from and to choose by.
        settings: as of the build.
        rejected: ``(k, 3)`` what a person refused: no facts, and known to be none.
    """
    count = links.num_relations
    with torch.no_grad():
        rows = links.eval().encoder(facts.graph.edges, facts.graph.log_weight).cpu()
    scorer = ComplEx(count, rows.shape[1] // 2)
    scorer.load_state_dict({"relation": links.scorer.relation.detach().cpu()})
    size = facts.graph.num_entities, count
    rules = mine(facts.train.numpy(), *size, Mining(seed=settings.seed), rejected)
    completion = Completion.of(facts.train, *size, scorer=scorer, rows=rows, rules=rules)
    if not len(facts.valid):
        return completion, None
    if found := learn_sense_links(facts.observed, facts.train, count, settings.seed):
        completion = replace(completion, further=found[1].cpu())
    known = Answers.of(both_directions(facts.facts, count), 2 * count)
    asked = both_directions(facts.valid[some(len(facts.valid), settings.seed)], count)
    completion, _ = choose_blend(completion, asked, known)
    return completion, _calibrated(completion, asked, known)


def learn_completion(
    links: LinkModel,
    joint: JointGraph,
    triples: NDArray[np.int64],
    settings: Settings,
    rejected: NDArray[np.int64],
    chosen: tuple[Completion, Platt | None],
) -> LearnedCompletion:
    """Mine, encode and learn all facts, by the blend and calibration that were chosen on a part of them.

    Args:
        links: the trained link model.
        joint: the graph of all facts.
        triples: ``(t, 3)`` all facts.
        settings: as of the build.
        rejected: ``(k, 3)`` what a person refused.
        chosen: what `choose_completion` gave.
    """
    completion, platt = chosen
    size = joint.num_entities, links.num_relations
    rules = mine(triples, *size, Mining(seed=settings.seed), rejected)
    rows, facts = structure_of(links, joint).cpu(), torch.from_numpy(triples)
    whole = Completion.of(
        facts, *size, scorer=completion.scorer, rows=rows, rules=rules, blend=completion.blend
    )
    observed = Observed.of(joint.num_entities, joint.features, joint.owners)
    counts = completion.blend.further > 0
    found = learn_sense_links(observed, facts, links.num_relations, settings.seed) if counts else None
    if found is None:
        return LearnedCompletion(whole, platt, rejected)
    senses, further = found
    return LearnedCompletion(replace(whole, further=further.cpu()), platt, rejected, senses.cpu())


def some(count: int, seed: int, most: int = MOST) -> Tensor:
    """Places of at most so many of some facts, drawn at random, ascending."""
    return torch.from_numpy(np.sort(np.random.default_rng(seed).permutation(count)[:most]))


def _calibrated(completion: Completion, asked: Tensor, known: Answers) -> Platt | None:
    """From the log-softmax of a query's best candidates to the chance of being the fact that was hidden."""
    feature, right = [], []
    for part in query_parts(len(asked), completion.num_entities):
        head, relation, tail = asked[part].unbind(1)
        scores = completion.scores(head, relation)
        row, other = known.take(known.places(head, relation))
        kept = other != tail[row]
        scores[row[kept], other[kept]] = float("-inf")
        best = scores.log_softmax(1).topk(min(TOP, scores.shape[1]), dim=1)
        feature.append(best.values)
        right.append(best.indices == tail.unsqueeze(1))
    value, hit = torch.cat(feature).reshape(-1), torch.cat(right).reshape(-1)
    told = value.isfinite()
    return fit_platt(value[told], hit[told])
