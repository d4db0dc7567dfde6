"""A store's next state from its facts: observed, embedded and written by what the last state knows."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from kg.vocabulary import DEFAULT
from pipelines.building.build import cache_folder, media_folder
from pipelines.building.embedding import embed_graph
from pipelines.building.reading import STATEMENTS
from pipelines.building.writing import counts_of, model_card, write_observations
from pipelines.senses.encoding import MISSING, Encoded, MediaAccess, Outcome, asked_of, encode_observations
from pipelines.senses.joint import with_senses
from pipelines.senses.known import Known
from pipelines.senses.numbers import scaled
from pipelines.settings import ENCODED
from pipelines.store.states import STATE
from pipelines.store.store import Store, save_tensors, write_json
from pipelines.training.completion import FILES as COMPLETION
from pipelines.training.history import Progress
from pipelines.training.link_rows import FILE as LINK_RANKS
from pipelines.training.links import LinkModel
from pipelines.updating.carrying import FOLDER, Carried, Training, linked
from pipelines.updating.changing import Changed

LISTED = 1000
"""Sentences on what was skipped that a manifest holds at most."""


def observe(
    old: Store, changed: Changed, training: Training, media: MediaAccess, device: str, progress: Progress
) -> Encoded:
    """What is observed of the next state's entities; only what is new is looked at.

    Numbers keep the scales and units of the training. A sense that the model does not know is not observed,
    one of which nothing is left is there without a row.
    """
    known = _known(old, training.units, changed.anew)
    encoded = encode_observations(
        changed.graph, DEFAULT, old.settings, media, device=device, progress=progress, known=known
    )
    observations = encoded.observations
    if training.standard is not None:
        observations = scaled(observations, training.standard)
    observations = replace(observations, names=old.observations.names)
    observations = with_senses(observations, old.manifest["model"]["feature_sizes"])
    return replace(encoded, observations=observations, encoders=old.manifest["encoders"])


def renew(
    old: Store,
    changed: Changed,
    training: Training,
    encoded: Encoded,
    entry: dict[str, Any],
    work: Path,
    *,
    device: str,
    progress: Progress,
) -> dict[str, Any]:
    """Embed all entities and write what belongs to the state; give its manifest.

    Args:
        old: the state before.
        changed: the facts, which lie in `work` already.
        training: the training whose weights embed them.
        encoded: what was observed.
        entry: what the manifest is to say of the update.
        work: the folder of the state.
        device: where passes run.
        progress: told of the stage.
    """
    graph, carried = changed.graph, Carried(training, changed.graph)
    manifest = _manifest(old, changed, encoded, carried)
    manifest["updates"] = [*old.manifest.get("updates", []), entry]
    state = Store(work, manifest)
    vars(state)["weights"] = weights = carried.weights()
    links = None
    if state.part("links."):
        links = LinkModel(graph.num_entities, graph.num_relations, old.settings)
        links.load_state_dict(state.part("links."))
    tensors, structure = embed_graph(
        graph,
        encoded.observations,
        old.settings,
        state.model,
        links,
        before=old,
        device=device,
        progress=progress,
    )
    graph.save(work / "graph")
    write_observations(work, encoded)
    save_tensors(weights, work / "model.safetensors")
    save_tensors(tensors, work / "embeddings.safetensors")
    training.keep(work)
    carried.write_labels(len(manifest["targets"]), work)
    if structure is not None and set(COMPLETION) <= set(manifest["files"]):
        carried.write_completion(structure, work)
    if changed.findings is not None:
        write_json(work / "findings.json", changed.findings)
    for name in ("metrics.json", LINK_RANKS, "logs"):
        _linked_tree(old.folder / name, work / name)
    card = model_card(
        graph, encoded.encoders, old.metrics["held_out"], old.settings, len(manifest["updates"])
    )
    (work / "README.md").write_text(card, encoding="utf-8")
    return manifest


def media_access(old: Store, add: Sequence[str | Path], media_root: str | Path | None) -> MediaAccess:
    """Where media may lie: in the named folder, else in that of the store, else in that of the new files."""
    root = old.media_root if media_root is None else Path(media_root).absolute()
    return MediaAccess(media_folder(add, None) if root is None else root, cache_folder())


def told_of(add: Sequence[str | Path], remove: Sequence[str | Path], changed: Changed) -> dict[str, Any]:
    """What a manifest says of one update."""
    found = hashlib.sha256()
    for sign, lines in (("-", changed.change.removed), ("+", changed.change.added)):
        found.update("".join(f"{sign}{line}\n" for line in sorted(lines)).encode())
    return {
        "add": [Path(one).name for one in add],
        "remove": [Path(one).name for one in remove],
        "added": len(changed.change.added),
        "removed": len(changed.change.removed),
        "sha256": found.hexdigest(),
    }


def _manifest(old: Store, changed: Changed, encoded: Encoded, carried: Carried) -> dict[str, Any]:
    """That of the state before, with what has changed."""
    manifest = {name: value for name, value in old.manifest.items() if name != STATE}
    files = dict.fromkeys([*manifest["files"], STATEMENTS, FOLDER])
    for name, part in (
        ("numbers.parquet", encoded.observations.numbers),
        ("findings.json", changed.findings),
    ):
        files.pop(name, None)
        if part is not None:
            files[name] = None
    skipped = manifest["counts"]["skipped"] + changed.num_skipped
    return manifest | {
        "model": manifest["model"] | {"num_relations": carried.directed},
        "counts": counts_of(changed.graph, encoded, skipped),
        "skipped": [*manifest["skipped"], *changed.skipped][:LISTED],
        "notes": changed.notes,
        "files": list(files),
    }


def _linked_tree(old: Path, new: Path) -> None:
    """The same files under other names, where there are some."""
    if old.is_dir():
        shutil.copytree(old, new, copy_function=lambda one, other: linked(Path(one), Path(other)))
    elif old.exists():
        linked(old, new)


def _known(store: Store, units: Mapping[str, str], anew: Collection[tuple[str, str]]) -> Known:
    """What a store knows; not that of references (modality, reference) to be looked at anew.

    What was not there may be there now, so it is not known either.
    """
    found: dict[str, dict[tuple[str, str], Outcome]] = {}
    graph = store.graph
    for modality in set(ENCODED) & store.manifest["encoders"].keys():
        asked = asked_of(graph, DEFAULT, store.settings, modality)
        table = store.observed.filter(pc.equal(store.observed["modality"], modality))
        if table["entity"].to_pylist() != asked.entities:
            continue  # it was counted by other rules, so it is looked at anew
        names = graph.entities.take(table["entity"].combine_chunks()).to_pylist()
        outcomes = zip(*(table[name].to_pylist() for name in ("status", "problem", "row")), strict=True)
        found[modality] = {
            (name, reference): outcome
            for name, reference, outcome in zip(names, asked.references, outcomes, strict=True)
            if outcome[0] != MISSING and (modality, reference) not in anew
        }
    return Known(found, store.observations.features, store.manifest["encoders"], units)
