"""The folder that a build leaves and a query opens: arrays, features, weights, facts and a manifest.

No pickle: Parquet, NPY, safetensors and JSON. The folder appears whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.files import cache_folder, save_tensors, write_json
from pipelines.settings import Settings
from pipelines.store.manifest import AGAIN, FORMAT, StoreError, package_versions, read_manifest
from pipelines.store.object_storage import is_url, local_store
from pipelines.store.states import STATE, Pin

__all__ = ["FORMAT", "Store", "StoreError", "package_versions", "save_tensors", "write_json"]

if TYPE_CHECKING:
    import pyarrow as pa
    from torch import Tensor

    from fusion.senses import SenseFusion
    from kg.facts import FactSource
    from kg.graph import KnowledgeGraph
    from pipelines.senses.joint import Observations
    from pipelines.training.completion import LearnedCompletion

_TRIES = 20
"""How often a store that others change meanwhile is opened anew."""


@dataclass(frozen=True)
class Store:
    """An opened store; its parts are read when they are first asked for.

    `folder` is where they lie: the store's own folder, or after updates one in it (see
    `pipelines.store.states`).
    """

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: str | Path) -> Store:
        """Open a store for reading, as it is now: later updates do not change what is read.

        One in an object storage (an URL such as s3://) is copied to the cache first.

        Raises:
            StoreError: saying what was found and what to do.
            StorageError: the object storage does not answer.
        """
        if is_url(folder):
            folder = local_store(str(folder), cache_folder())
        folder = Path(folder)
        for _ in range(_TRIES):
            manifest = read_manifest(folder)
            home = folder / manifest.get(STATE, "")
            try:
                pin = Pin(home)
            except OSError:
                continue  # an update has just put another state in its place
            if manifest == read_manifest(folder):
                break
        else:
            raise StoreError(f"expected a whole store at {folder} ({home} cannot be read): {AGAIN}")
        missing = [name for name in manifest["files"] if not (home / name).exists()]
        if missing:
            raise StoreError(f"expected a whole store at {folder} ({missing[0]} is missing): {AGAIN}")
        store = cls(home, manifest)
        vars(store)["pin"] = pin
        return store

    def release(self) -> None:
        """Let updates take away what is read here; what was not read yet may then be gone."""
        if pin := vars(self).get("pin"):
            pin.release()

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Turn whatever a damaged file makes its reader raise into one sentence."""
        try:
            yield
        except Exception as error:  # each library has its own kinds
            reason = str(error).partition("\n")[0]
            raise StoreError(
                f"expected a whole store at {self.folder} ({name} is damaged: {reason}): {AGAIN}"
            ) from error

    @cached_property
    def settings(self) -> Settings:
        """The settings it was built with."""
        return Settings.from_json(self.manifest["settings"])

    @property
    def media_root(self) -> Path | None:
        """The folder that its media lay in when it was built; None in stores that do not say so."""
        said = self.manifest.get("media_root")
        return None if said is None else Path(said)

    @cached_property
    def graph(self) -> KnowledgeGraph:
        """The knowledge graph."""
        from kg.graph import KnowledgeGraph

        with self._reading("graph"):
            return KnowledgeGraph.load(self.folder / "graph")

    def graph_without_hints(self, target: str) -> KnowledgeGraph:
        """The graph to learn a property from: inferred facts stay only if its facts were no premises."""
        return self.graph if target in self.settings.target else self.graph.stated()

    @cached_property
    def facts(self) -> FactSource:
        """The same facts for SPARQL, read-only."""
        from kg.sparql import Facts

        with self._reading("rdf"):
            return Facts.open(self.folder / "rdf")

    @cached_property
    def observations(self) -> Observations:
        """Encoded observations by modality."""
        from safetensors.torch import load_file

        from pipelines.senses.joint import Observations
        from pipelines.senses.naming import NAMES, read_names

        features, owners, numbers = {}, {}, None
        for modality in self.manifest["encoders"]:
            with self._reading(f"features/{modality}.safetensors"):
                tensors = load_file(self.folder / "features" / f"{modality}.safetensors")
                features[modality], owners[modality] = tensors["features"], tensors["owners"]
        if "numbers.parquet" in self.manifest["files"]:
            import pyarrow.parquet as pq

            from pipelines.senses.numbers import from_table

            with self._reading("numbers.parquet"):
                numbers = from_table(pq.read_table(self.folder / "numbers.parquet"))
        names_file = self.folder / "features" / NAMES
        with self._reading(f"features/{NAMES}"):
            names = read_names(names_file) if names_file.exists() else None
        return Observations(features, owners, numbers, names)

    @cached_property
    def observed(self) -> pa.Table:
        """What the data names as observations, with its status (see pipelines.senses.encoding)."""
        import pyarrow.parquet as pq

        with self._reading("observations.parquet"):
            return pq.read_table(self.folder / "observations.parquet")

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Joint vectors, hubness by modality, structure vectors and the diffusion, by name."""
        from safetensors.torch import load_file

        with self._reading("embeddings.safetensors"):
            return load_file(self.folder / "embeddings.safetensors")

    @cached_property
    def weights(self) -> dict[str, Tensor]:
        """The trained parameters, `fusion.` and `links.` before their names."""
        from safetensors.torch import load_file

        with self._reading("model.safetensors"):
            return load_file(self.folder / "model.safetensors")

    @cached_property
    def model(self) -> SenseFusion:
        """The trained fusion."""
        from fusion import FUSIONS

        shape = self.manifest["model"]
        model = FUSIONS[self.settings.fusion](
            shape["feature_sizes"],
            shape["num_relations"],
            context=tuple(shape["context"]),
            structure_width=shape["structure_width"],
            width=self.settings.width,
            named=None if shape.get("named") is None else tuple(shape["named"]),
        )
        with self._reading("model.safetensors"):
            model.load_state_dict(self.part("fusion."))
        return model.eval()

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The trained parameters of one part, by their names in it."""
        return {
            name.removeprefix(prefix): value
            for name, value in self.weights.items()
            if name.startswith(prefix)
        }

    def as_if(self, settings: Settings | None = None, **parts: Any) -> Store:
        """The same store with other parts (graph, observations, tensors) or settings, in memory alone."""
        manifest = self.manifest if settings is None else self.manifest | {"settings": settings.as_json()}
        other = Store(self.folder, manifest)
        # a cached property is what stands under its name
        read = {name: part for name, part in vars(self).items() if name not in ("manifest", "settings")}
        vars(other).update(read | parts)
        return other

    @cached_property
    def findings(self) -> dict[str, Any] | None:
        """What was inferred, contradictions and the report on shapes; None if nobody asked for it."""
        if "findings.json" not in self.manifest["files"]:
            return None
        with self._reading("findings.json"):
            found: dict[str, Any] = json.loads((self.folder / "findings.json").read_text(encoding="utf-8"))
            return found

    @cached_property
    def completion(self) -> LearnedCompletion:
        """What finds missing facts.

        Raises:
            StoreError: it has none: no facts to learn from, or an older build.
        """
        from pipelines.training.completion import FILES, LearnedCompletion

        if not set(FILES) <= set(self.manifest["files"]):
            raise StoreError(
                f"expected a store that learned from facts at {self.folder} (it has no rules and link "
                f"weights: it has no facts, or is older than they are): {AGAIN}"
            )
        from pipelines.training.sense_links import Observed

        seen = Observed.of(self.graph.num_entities, self.observations.features, self.observations.owners)
        with self._reading("completion"):
            return LearnedCompletion.load(self.folder, self.graph.stated().triples, seen)

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Losses, held-out scores and times of the build."""
        with self._reading("metrics.json"):
            metrics: dict[str, Any] = json.loads((self.folder / "metrics.json").read_text(encoding="utf-8"))
            return metrics
