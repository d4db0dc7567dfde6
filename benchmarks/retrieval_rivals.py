"""The rivals of the retrieval benchmark: hand-built scores of text and picture, each tuned on validation.

A is a linear map for each sense, trained by InfoNCE, without the graph. The others add a *prototype*: what
the pictures of the training items that are near to a text are like. C takes nearness from WordNet (the same
diffusion over the facts that ours has), D from the captions alone, G from captions, the texts of concepts and
WordNet together. `hub` takes off what is near to every training item, `whitened` scales all directions of
the features alike, `names` adds what the picture encoder can name by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kg.ranking import mean_reciprocal_rank, realistic_ranks
from kg.splits import Split

Floats = NDArray[np.floating]
Ids = NDArray[np.int64]
STEPS, WIDTH, NEIGHBOURS = 200, 128, 10
SCALE, DROPOUT, DECAY = 12.0, 0.5, 1.0
"""Of the linear maps, tuned on splits of which no figure speaks."""
WEIGHTS = (0.5, 1.0, 2.0, 4.0, 8.0)
SHARPNESS = (5.0, 10.0, 20.0, 40.0)


@dataclass(frozen=True)
class Items:
    """What is known of the items: unit rows ``(n, d)`` by sense, and nearness by the facts ``(n, n)``."""

    text: Floats
    image: Floats
    concept: Floats
    named: Floats
    near: Floats

    def whitened(self, rows: Ids) -> Items:
        """The same, all directions of text and picture among some rows of one length."""
        return replace(self, text=_whitened(self.text, rows), image=_whitened(self.image, rows))


@dataclass(frozen=True)
class Linear:
    """Two linear maps into one space."""

    text: Floats
    image: Floats

    def scores(self, items: Items, texts: Ids, images: Ids) -> Floats:
        """Similarity of texts to pictures, ``(q, g)``."""
        return unit(items.text[texts] @ self.text) @ unit(items.image[images] @ self.image).T


def trained(items: Items, split: Split, seed: int) -> Linear:
    """Train the maps by InfoNCE and keep the step of the best validation MRR."""
    torch.manual_seed(seed)
    # rows of the length that the initial maps expect
    text, image = (
        torch.from_numpy(rows[split.train] * rows.shape[1] ** 0.5).float()
        for rows in (items.text, items.image)
    )
    maps = nn.ModuleList([nn.Linear(rows.shape[1], WIDTH, bias=False) for rows in (text, image)])
    optimizer = torch.optim.AdamW(maps.parameters(), lr=1e-3, weight_decay=DECAY)
    best, kept = -1.0, Linear(*(_weights(one) for one in maps))
    answers = torch.arange(len(text))
    for step in range(STEPS):
        ends = [
            nn.functional.normalize(one(nn.functional.dropout(rows, DROPOUT)))
            for one, rows in zip(maps, (text, image), strict=True)
        ]
        logits = SCALE * ends[0] @ ends[1].t()
        loss = nn.functional.cross_entropy(logits, answers) + nn.functional.cross_entropy(logits.t(), answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 9:
            now = Linear(*(_weights(one) for one in maps))
            if (score := both_ways(now.scores(items, split.valid, split.valid))) > best:
                best, kept = score, now
    return kept


def _weights(one: nn.Module) -> Floats:
    weight = one.get_parameter("weight").detach().numpy().T
    return np.array(weight, dtype=np.float64)


@dataclass(frozen=True)
class Recipe:
    """How a hand-built score is made up; weights of 0 leave a part out."""

    sharpness: float = 10.0
    caption: float = 0.0
    concept: float = 0.0
    near: float = 0.0
    prototype: float = 0.0
    names: float = 0.0
    concept_names: float = 0.0
    hub: bool = False

    def scores(self, items: Items, linear: Linear, keys: Ids, rows: Ids) -> tuple[Floats, Floats]:
        """Scores of texts to pictures and of pictures to texts, ``(q, q)`` each."""
        asked = self._plain(items, linear, keys, rows, rows)
        if not self.hub:
            return asked, asked.T
        bank = self._plain(items, linear, keys, keys, rows)
        turned = self._plain(items, linear, keys, rows, keys).T
        return asked - _hubs(bank), asked.T - _hubs(turned)

    def _plain(self, items: Items, linear: Linear, keys: Ids, texts: Ids, images: Ids) -> Floats:
        out = linear.scores(items, texts, images)
        if self.prototype:
            logit = self.caption * (items.text[texts] @ items.text[keys].T)
            logit = logit + self.concept * (items.concept[texts] @ items.concept[keys].T)
            logit = self.sharpness * (logit + self.near * items.near[np.ix_(texts, keys)])
            logit = np.where(texts[:, None] == keys, -np.inf, logit)  # nothing is its own neighbour
            weight = np.exp(logit - logit.max(1, keepdims=True))
            mean = items.image[keys].mean(0)
            pictures = unit(items.image - mean)
            out = out + self.prototype * (unit(weight @ pictures[keys]) @ pictures[images].T)
        if self.names:
            out = out + self.names * (items.text[texts] @ items.named[images].T)
            out = out + self.concept_names * (items.concept[texts] @ items.named[images].T)
        return out


def _hubs(bank: Floats) -> Floats:
    """Half the mean similarity to the nearest of the bank: ``(b, g) -> (g,)`` (CSLS, arXiv 1710.04087)."""
    return np.asarray(np.sort(bank, axis=0)[-NEIGHBOURS:].mean(0) / 2)


def recipes() -> dict[str, list[Recipe]]:
    """What validation may choose from, by row."""
    return {
        "C": list(_grid(near=(1.0,), sharpness=(5.0, 10.0, 20.0))),
        "D": list(_grid(caption=(1.0,), sharpness=SHARPNESS)),
        "G": list(_grid(caption=(1.0,), concept=(0.5, 1.0), near=(0.3, 1.0), sharpness=(5.0, 10.0, 20.0))),
    }


def _grid(**choices: tuple[float, ...]) -> Iterator[Recipe]:
    choices["prototype"] = WEIGHTS
    for values in product(*choices.values()):
        yield Recipe(**dict(zip(choices, values, strict=True)))  # type: ignore[arg-type]


def with_names(recipe: Recipe) -> list[Recipe]:
    """The recipe with what the encoder names, by captions and, where it knows concepts, by these."""
    concept = (0.0, 0.5, 1.0) if recipe.concept else (0.0,)
    return [
        replace(recipe, names=weight, concept_names=weight * share)
        for weight in (0.5, 1.0, 2.0, 4.0)
        for share in concept
    ]


def chosen(items: Items, linear: Linear, split: Split, offered: list[Recipe]) -> Recipe:
    """The recipe of the best validation MRR, both directions counted alike."""
    return max(offered, key=lambda recipe: _worth(recipe.scores(items, linear, split.train, split.valid)))


def _worth(scores: tuple[Floats, Floats]) -> float:
    answers = np.arange(len(scores[0]))
    return float(np.mean([mean_reciprocal_rank(realistic_ranks(one, answers)) for one in scores]))


def both_ways(scores: Floats) -> float:
    """MRR of one matrix read by rows and by columns, the mean."""
    return _worth((scores, scores.T))


def rival_scores(items: Items, split: Split, seed: int) -> dict[str, tuple[Floats, Floats]]:
    """Scores of the test part, by row: texts to pictures and pictures to texts."""
    known = np.concatenate([split.train, split.valid])
    linear = trained(items, split, seed)
    out = {"A": _turned(linear.scores(items, split.test, split.test))}
    found: Mapping[str, list[Recipe]] = recipes()
    for name, offered in found.items():
        best = chosen(items, linear, split, offered)
        out[name] = best.scores(items, linear, known, split.test)
        if name in ("D", "G"):
            best = replace(best, hub=True)
            out[f"{name} hub"] = best.scores(items, linear, known, split.test)
            named = chosen(items, linear, split, with_names(best))
            out[f"{name} hub names"] = named.scores(items, linear, known, split.test)
    white = items.whitened(split.train)
    line = trained(white, split, seed)
    best = chosen(white, line, split, found["G"])
    out["G whitened hub"] = replace(best, hub=True).scores(white, line, known, split.test)
    zero = np.zeros((len(split.test),) * 2)
    named = Recipe(names=1.0, hub=True)
    nothing = Linear(np.zeros((items.text.shape[1], 1)), np.zeros((items.image.shape[1], 1)))
    out["names alone"] = named.scores(items, nothing, known, split.test)
    return out | {"chance": (zero, zero)}


def _turned(scores: Floats) -> tuple[Floats, Floats]:
    return scores, scores.T


def unit(rows: Floats) -> Floats:
    """Rows at length 1, zero rows as they are."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def _whitened(rows: Floats, seen: Ids) -> Floats:
    mean = rows[seen].mean(0)
    _, length, directions = np.linalg.svd(rows[seen] - mean, full_matrices=False)
    kept = min(WIDTH, len(length))
    spread = np.sqrt(length[:kept] ** 2 + length[:kept].mean() ** 2)
    return unit((rows - mean) @ directions[:kept].T / spread)
