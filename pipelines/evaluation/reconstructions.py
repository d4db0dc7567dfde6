"""What the autoencoder gives back of entities it has never seen: from picture and caption, and from either.

The autoencoder and a picture decoder are trained anew on the training part of the concepts; the test part is
shown. A caption comes back as the nearest of all texts in the store.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import torch
from torch import Tensor

from encoders.base import MediaError, resolve_media
from encoders.picture import PictureReader
from fusion.autoencoder import CrossModalAutoencoder
from fusion.base import JointGraph, Senses
from pipelines.evaluation.picture_decoder import SIDE, drawn, pixel_error, train_decoder
from pipelines.labels.training import learn_to_reconstruct
from pipelines.senses.joint import Observations, joint_graph
from pipelines.store.store import Store
from pipelines.training.train import concept_split

if TYPE_CHECKING:
    from pipelines.training.history import Progress

BOTH = ("text", "image")
SHOWN = {"both senses": BOTH, "the picture": ("image",), "the text": ("text",)}


@dataclass(frozen=True)
class Back:
    """What came back of one entity: a picture ``(3, 64, 64)`` and a caption; how far off by 1 - cosine."""

    picture: Tensor
    caption: str
    image_error: float
    text_error: float


@dataclass(frozen=True)
class Example:
    """An entity, and what came back of it by stage and by what was shown."""

    picture: Tensor
    caption: str
    back: dict[tuple[str, str], Back]


@dataclass(frozen=True)
class _Returned:
    """Both senses of several entities as they came back, ``(m, width)`` each, and drawn."""

    senses: dict[str, Tensor]
    pictures: Tensor


def reconstructions(
    store: Store, media_root: Path, *, examples: int = 4, progress: Progress | None = None
) -> tuple[dict[str, Any], list[Example]]:
    """Train, and let held-out entities come back.

    Args:
        store: the opened store; its facts are not used.
        media_root: folder that the store's pictures lie in; a store keeps no pictures.
        examples: how many entities to show.
        progress: called with stage, steps done, steps in all.

    Returns:
        ``errors`` (stage -> shown -> mean of 1 - cosine by sense, of pixels, and how often the nearest text
        is one of the entity's own), ``decoder`` (pixel error where nothing but the decoder stands between),
        ``entities``, ``shown``; and the examples.

    Raises:
        ValueError: if the store lacks pictures or texts, or its pictures are not in the folder.
    """
    say = progress or (lambda stage, done, total: None)
    for name in BOTH:
        if name not in store.observations.features:
            raise ValueError(f"expected a store with pictures and texts (got none of {name})")
    graph, held, valid = _parts(store)
    rows = _rows(store, "image")
    pictures = _pictures(store, rows, media_root, say)
    torch.manual_seed(store.settings.seed)
    model = CrossModalAutoencoder(
        {name: features.shape[1] for name, features in graph.features.items()}, 1, width=store.settings.width
    )
    model.fit_senses(graph, ~(held | valid))
    own = model.own(graph)
    test = (held & own["image"].present & own["text"].present).nonzero().squeeze(1)
    if not len(test):
        raise ValueError("expected held-out entities with a picture and a text (got none)")
    before = copy.deepcopy(model)
    learn_to_reconstruct(model, {n: s.hidden_where(held | valid) for n, s in own.items()}, store.settings)
    owner = graph.owners["image"]
    seen = ~held[owner]
    vectors = model.project("image", graph.features["image"]).detach()
    decoder = train_decoder(vectors[seen], pictures[seen], valid[owner[seen]], seed=store.settings.seed)
    say("reconstructions", 1, 1)
    first = torch.stack([(owner == entity).nonzero()[0, 0] for entity in test])
    returned = {
        (stage, shown): _returned(one, {name: own[name][test] for name in BOTH}, senses, decoder)
        for stage, one in (("before", before), ("after", model))
        for shown, senses in SHOWN.items()
    }
    texts = model.project("text", graph.features["text"])
    captions = _Captions(texts, graph.owners["text"], _rows(store, "text")["reference"].to_pylist())
    truth = {name: own[name].vectors[test] for name in BOTH}
    errors: dict[str, dict[str, dict[str, float]]] = {"before": {}, "after": {}}
    for (stage, shown), one in returned.items():
        errors[stage][shown] = {
            **{f"{name}, 1 - cosine": float(_off(one.senses[name], truth[name]).mean()) for name in BOTH},
            "pixels": pixel_error(one.pictures, pictures[first]),
            "own caption": captions.own(one.senses["text"], test),
        }
    result = {
        "entities": len(test),
        "trained on": int(seen.sum()),
        "shown": list(SHOWN),
        "errors": errors,
        "decoder": {
            "pixels": pixel_error(drawn(decoder, vectors[first]), pictures[first]),
            "pixels of the mean picture": pixel_error(pictures[seen].mean(0), pictures[first]),
        },
    }
    chosen = np.random.default_rng(store.settings.seed).permutation(len(test))[:examples]
    return result, [
        Example(
            pictures[first[i]],
            captions.first(int(test[i])),
            {
                way: Back(
                    one.pictures[i],
                    captions.nearest(one.senses["text"][i]),
                    float(_off(one.senses["image"][i], truth["image"][i])),
                    float(_off(one.senses["text"][i], truth["text"][i])),
                )
                for way, one in returned.items()
            },
        )
        for i in chosen.tolist()
    ]


def error_sentences(result: dict[str, Any]) -> list[str]:
    """A sentence for each stage and each way of showing: the mean errors."""
    return [
        f"{stage} training, from {shown}: picture off by {row['image, 1 - cosine']:.3f}, "
        f"text by {row['text, 1 - cosine']:.3f} (1 - cosine), pixels by {row['pixels']:.4f}"
        for stage, rows in result["errors"].items()
        for shown, row in rows.items()
    ] + [f"pixels, by the decoder alone: {result['decoder']['pixels']:.4f}"]


def _parts(store: Store) -> tuple[JointGraph, Tensor, Tensor]:
    """The two senses without facts; masks of the test's and the validation's entities, by concept."""
    seen = Observations(
        {name: store.observations.features[name] for name in BOTH},
        {name: store.observations.owners[name] for name in BOTH},
    )
    split = concept_split(store.graph, seen, store.settings)
    masks = []
    for part in (split.test, split.valid):
        mask = torch.zeros(store.graph.num_entities, dtype=torch.bool)
        mask[torch.from_numpy(part)] = True
        masks.append(mask)
    return joint_graph(store.graph, seen, store.settings, facts=False), masks[0], masks[1]


def _rows(store: Store, modality: str) -> Any:
    """The table of observations that have features, in the order of these."""
    table = store.observed
    kept = pc.and_(pc.equal(table["modality"], modality), pc.greater_equal(table["row"], 0))
    return table.filter(kept).sort_by("row")


def _pictures(store: Store, rows: Any, root: Path, say: Progress) -> Tensor:
    """The pictures of the rows, ``(m, 3, 64, 64)`` in [0, 1]."""
    if not root.is_dir():
        raise ValueError(f"expected --media-root to be a folder (got {root})")
    reader = PictureReader(SIDE)
    out = []
    for number, reference in enumerate(rows["reference"].to_pylist()):
        try:
            image = reader.read(resolve_media(reference, root.absolute()))
        except MediaError as error:
            raise ValueError(f"expected the store's pictures in {root} (got {error})") from error
        out.append(torch.from_numpy(np.array(image)).permute(2, 0, 1))
        say("reading pictures", number + 1, len(rows))
    return torch.stack(out).float() / 255


@torch.no_grad()
def _returned(model: CrossModalAutoencoder, own: Senses, shown: tuple[str, ...], decoder: Any) -> _Returned:
    code = model.encode({name: sense for name, sense in own.items() if name in shown})
    back = model.decode(code)
    return _Returned(back, drawn(decoder, back["image"]))


def _off(one: Tensor, other: Tensor) -> Tensor:
    return 1 - (one * other).sum(-1)


class _Captions:
    """All texts of the store as unit vectors, to find the nearest of."""

    def __init__(self, vectors: Tensor, owners: Tensor, texts: list[str]) -> None:
        self._vectors, self._owners, self._texts = vectors, owners, texts

    def nearest(self, vector: Tensor) -> str:
        return self._texts[int((self._vectors @ vector).argmax())]

    def first(self, entity: int) -> str:
        return self._texts[int((self._owners == entity).nonzero()[0, 0])]

    def own(self, vectors: Tensor, entities: Tensor) -> float:
        """How often the nearest text is the entity's own."""
        nearest = (vectors @ self._vectors.t()).argmax(1)
        return float((self._owners[nearest] == entities).double().mean())
