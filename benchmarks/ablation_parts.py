"""What the ablation takes out of the product, one thing at a time: of retrieval, of links, of labels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from benchmarks.ablation_switches import (
    Alike,
    Part,
    Unhidden,
    Unlearned,
    Unlike,
    Unlinked,
    Unstructured,
    held,
    made,
)
from fusion import FUSIONS, attention, class_rows, label
from fusion.attention import CrossModalAttention
from fusion.label import LabelModel
from fusion.structure import StructureEncoder
from pipelines.labels import training as label_training
from pipelines.labels import trust
from pipelines.training import alignment, links

KEYS = ("layers.*.source_key", "layers.*.target_key", "layers.*.relation_key")
"""What the attention of a structure encoder depends on besides the facts' weights."""


def _fusion(kind: Callable[..., CrossModalAttention]) -> AbstractContextManager[Any]:
    return patch.dict(FUSIONS, {"attention": kind})


def _context(*senses: str) -> AbstractContextManager[Any]:
    return _fusion(made(CrossModalAttention, context=senses))


def _hops(count: int) -> AbstractContextManager[Any]:
    return patch.object(attention, "HOPS", count)


def _asked(count: int) -> AbstractContextManager[Any]:
    return patch.object(attention, "KEYS", count)


def _encoder(module: ModuleType, kind: Callable[..., StructureEncoder]) -> AbstractContextManager[Any]:
    return patch.object(module, "StructureEncoder", kind)


def _layers(module: ModuleType, count: int) -> AbstractContextManager[Any]:
    return _encoder(module, made(StructureEncoder, layers=count))


def _labels(kind: Callable[..., LabelModel]) -> AbstractContextManager[Any]:
    return patch.object(label_training, "LabelModel", kind)


def _nothing(vectors: Tensor, *_: object) -> Tensor:
    return torch.zeros_like(vectors)


MEAN_OF_ALL = _fusion(held(CrossModalAttention, "nearness", "diffusion", at=0.0))
MEAN_OF_NEIGHBOURS = _fusion(held(CrossModalAttention, "relation_prior"))
FREE = Part("with free rows for the layers of links", swaps=(_layers(links, 0),))
ONE = Part("with 1 layer of links for 2", swaps=(_layers(links, 1),))
MEAN = Part(
    "with the mean for the attention of links",
    swaps=(_encoder(links, held(StructureEncoder, *KEYS, at=0.0)),),
)
UNORDERED = Part("without the order of hierarchies", settings={"order": 0.0})

ENCODER = (
    FREE,
    ONE,
    Part("with 3 layers of links for 2", swaps=(_layers(links, 3),), larger=True),
    MEAN,
    Part(
        "without the relation in what is sent",
        swaps=(_encoder(links, held(StructureEncoder, "layers.*.relation_value")),),
    ),
    UNORDERED,
    Part("without the N3 penalty", settings={"n3": 0.0}),
)
"""Of the structure encoder: links are trained anew."""

AGAIN = (FREE, ONE, MEAN, UNORDERED)
"""Those of them that retrieval is asked for as well, by its own links."""

RETRIEVAL = (
    Part("without the graph", lacks="graph"),
    Part("without the link objective", lacks="structure"),
    Part("without context", swaps=(_context(),)),
    Part("without context of text", swaps=(_context("image"),)),
    Part("without context of images", swaps=(_context("text"),)),
    Part("with context of 1 fact for 3", swaps=(_hops(1),)),
    Part("with context of 2 facts for 3", swaps=(_hops(2),)),
    Part("with the mean of neighbours: no prior learned", swaps=(MEAN_OF_NEIGHBOURS,)),
    Part("with the mean of all for attention", swaps=(MEAN_OF_ALL,)),
    Part("with a sample of 256 for all who are attended to", swaps=(_asked(256),)),
    Part("with nearness not learned", swaps=(_fusion(held(CrossModalAttention, "nearness")),)),
    Part("with gains not learned", swaps=(_fusion(held(CrossModalAttention, "*_gain")),)),
    Part(
        "with no scalar learned",
        swaps=(_fusion(held(CrossModalAttention, "*_gain", "nearness", "diffusion", "relation_prior")),),
    ),
    Part("without diffusion", lacks="diffusion"),
    Part("without names", lacks="names"),
    Part("without episodes: nothing hidden", swaps=(_fusion(Unhidden),)),
    Part("with episodes of 2 concepts", settings={"hidden_share": 1e-3}),
    Part(
        "without the correction for hubs",
        swaps=(patch.object(alignment, "hubness", lambda gallery, _: gallery.new_zeros(len(gallery))),),
    ),
    Part("without sounds", lacks="audio"),
)

LINKS = (
    Part("without the link objective", lacks="structure"),
    Part("without rules", lacks="rules"),
    Part("without what is usual", lacks="prior"),
    Part("without senses", lacks="senses"),
    Part("without texts", lacks="text"),
    Part("without images", lacks="image"),
    Part("without sounds", lacks="audio"),
)
"""Of what is added to the links' score: they are as they were."""

LABELS = (
    Part("without texts", lacks="text"),
    Part("without images", lacks="image"),
    Part("without sounds", lacks="audio"),
    Part("without the graph", lacks="graph"),
    Part(
        "without structure vectors",
        swaps=(_labels(Unstructured), _fusion(made(CrossModalAttention, structure_width=0))),
    ),
    Part("with 1 layer of structure for 2", swaps=(_layers(label, 1),)),
    Part("without the nearest example by the facts", swaps=(_labels(Unlinked),)),
    Part("without diffusion", lacks="diffusion"),
    Part("without context", swaps=(_context(),)),
    Part("with context of 1 fact for 3", swaps=(_hops(1),)),
    Part("with the mean of neighbours: no prior learned", swaps=(MEAN_OF_NEIGHBOURS,)),
    Part("with the mean of all for attention", swaps=(MEAN_OF_ALL,)),
    Part("without the learned term", swaps=(_labels(Unlearned),)),
    Part("without the classes' rows", swaps=(_labels(Unlike),)),
    Part(
        "without kin of the classes",
        swaps=(patch.object(class_rows, "_shares", lambda _, count: torch.zeros(len(count), len(count))),),
    ),
    Part(
        "with kin alike in every sense",
        swaps=(patch.object(class_rows, "_kinship", lambda *rest: torch.ones(())),),
    ),
    Part(
        "without what was observed of the classes",
        swaps=(patch.object(class_rows, "_closed_gap", lambda own, mean, _: _nothing(mean)),),
    ),
    Part(
        "without what a class's other senses let expect",
        swaps=(patch.object(class_rows, "_inferred", lambda *rest: (_nothing(rest[2]), torch.zeros(()))),),
    ),
    Part("without whitening", swaps=(patch.object(trust, "SHRINKAGE", (1.0,)),)),
    Part(
        "with senses trusted alike, whichever are missing",
        swaps=(patch.object(trust, "Prototypes", Alike), patch.object(label, "Prototypes", Alike)),
    ),
    Part("without modality dropout", settings={"modality_dropout": 0.0}),
    Part("without feature noise", settings={"feature_noise": 0.0}),
    Part("with zeros for what is absent", settings={"learn_absent": False}),
    Part("with 128 numbers of each sense for 1024", settings={"label_width": 128}),
)
