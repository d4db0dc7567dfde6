"""What of a store can be shown: labels, texts, and the media that its entities name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow.compute as pc

from encoders.base import MediaError, resolve_media
from pipelines.search.explain import last_word

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.store.store import Store


@dataclass(frozen=True)
class Observed:
    """One observation as the data names it: a text, or a file where it can be found.

    Args:
        modality: text, image, audio or series.
        reference: the text, or what the data calls the file.
        row: place of its features in the store; -1 where it could not be read.
        path: the file; None for a text, and where the file is not to be had.
        problem: why it is not to be had, in one sentence.
    """

    modality: str
    reference: str
    row: int
    path: Path | None = None
    problem: str | None = None

    @property
    def name(self) -> str:
        """A text as it is, of a file what stands last in its reference."""
        return self.reference if self.modality == "text" else unquote(last_word(self.reference))


class Exhibit:
    """Labels and observations of one store's entities.

    Args:
        store: the opened store.
        labels: a label for each entity.
        media_root: folder that media must lie in, or None where nobody knows it.
    """

    def __init__(self, store: Store, labels: Sequence[str], media_root: Path | None) -> None:
        self._store, self._labels, self._root = store, labels, media_root

    def label(self, iri: str) -> str:
        """The label of an entity, or the IRI of what is none."""
        place = int(self._store.graph.entity_ids([iri])[0])
        return self._labels[place] if place >= 0 else iri

    def observations(self, iri: str) -> list[Observed]:
        """All texts and media of an entity; numbers are none of them."""
        place = int(self._store.graph.entity_ids([iri])[0])
        rows = self._named.filter(pc.equal(self._named["entity"], place)).to_pylist()
        return [self._observed(**row) for row in rows]

    def observation(self, modality: str, row: int) -> Observed:
        """The observation whose features stand in a row of a modality.

        Raises:
            ValueError: there is no such row.
        """
        chosen = pc.and_(pc.equal(self._named["modality"], modality), pc.equal(self._named["row"], row))
        found = self._named.filter(chosen).to_pylist()
        if not found:
            raise ValueError(f"expected the row of an observation by {modality} (got {row})")
        return self._observed(**found[0])

    @cached_property
    def _named(self) -> pa.Table:
        observed = self._store.observed
        kept = observed.filter(pc.not_equal(observed["modality"], "number"))
        return kept.select(["entity", "modality", "reference", "row", "problem"])

    def _observed(
        self, entity: int, modality: str, reference: str, row: int, problem: str | None
    ) -> Observed:
        if modality == "text":
            return Observed(modality, reference, row)
        if self._root is None:
            return Observed(modality, reference, row, problem="the store does not say where its media are")
        try:
            return Observed(modality, reference, row, resolve_media(self._moved(reference), self._root))
        except MediaError as error:
            return Observed(modality, reference, row, problem=problem or str(error))

    def _moved(self, reference: str) -> str:
        """The reference seen from the media root: RDF makes those of files absolute, and folders move."""
        built = self._store.media_root
        if built is None or built == self._root or not reference.startswith("file:"):
            return reference
        start = built.as_uri() + "/"
        return unquote(reference.removeprefix(start))
