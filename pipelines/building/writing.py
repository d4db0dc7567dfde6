"""What a build writes: features, weights, vectors, the targets' models, a model card and the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.building.reading import STATEMENTS
from pipelines.labels.store import save_learned
from pipelines.senses.naming import NAMES, write_names
from pipelines.senses.numbers import as_table
from pipelines.settings import Settings
from pipelines.store.store import FORMAT, package_versions, save_tensors, write_json
from pipelines.training.completion import FILES as COMPLETION
from pipelines.training.link_rows import FILE as LINK_RANKS
from pipelines.wording import counted

if TYPE_CHECKING:
    from kg.graph import KnowledgeGraph
    from pipelines.labels.learn import Learned
    from pipelines.senses.encoding import Encoded
    from pipelines.training.train import Trained


def write_parts(
    work: Path,
    graph: KnowledgeGraph,
    encoded: Encoded,
    trained: Trained,
    learned: Sequence[Learned],
    settings: Settings,
) -> None:
    """Write everything but the metrics and the manifest."""
    import pyarrow.parquet as pq

    write_observations(work, encoded)
    save_tensors(trained.weights, work / "model.safetensors")
    save_tensors(trained.tensors, work / "embeddings.safetensors")
    if trained.completion is not None:
        trained.completion.save(work)
    if trained.link_ranks is not None:
        pq.write_table(trained.link_ranks, work / LINK_RANKS)
    for number, one in enumerate(learned):
        save_learned(one, work / "labels", number)
    card = model_card(graph, encoded.encoders, trained.held_out, settings)
    (work / "README.md").write_text(card, encoding="utf-8")


def write_observations(work: Path, encoded: Encoded) -> None:
    """Write what was observed: features, numbers, and what became of each observation."""
    import pyarrow.parquet as pq

    (work / "features").mkdir(exist_ok=True)
    for modality, rows in encoded.observations.features.items():
        tensors = {"features": rows, "owners": encoded.observations.owners[modality]}
        save_tensors(tensors, work / "features" / f"{modality}.safetensors")
    if encoded.observations.names is not None:
        write_names(encoded.observations.names, work / "features" / NAMES)
    pq.write_table(encoded.table, work / "observations.parquet")
    if encoded.observations.numbers is not None:
        pq.write_table(as_table(encoded.observations.numbers), work / "numbers.parquet")


def write_manifest(
    work: Path,
    graph: KnowledgeGraph,
    report: dict[str, Any],
    encoded: Encoded,
    trained: Trained,
    learned: Sequence[Learned],
    settings: Settings,
    inputs: Sequence[str | Path],
    media_root: Path,
) -> None:
    """Write what the folder holds and where it came from; with it the folder is a store."""
    files = [
        "graph",
        "rdf",
        STATEMENTS,
        "features",
        "observations.parquet",
        "model.safetensors",
        "embeddings.safetensors",
        *(["logs"] if "tensorboard" in settings.log else []),
        *(f"labels/{number}.{kind}" for number in range(len(learned)) for kind in ("safetensors", "json")),
    ]
    if encoded.observations.numbers is not None:
        files.append("numbers.parquet")
    if report["findings"] is not None:
        write_json(work / "findings.json", report["findings"])
        files.append("findings.json")
    if trained.completion is not None:
        files += COMPLETION
    if trained.link_ranks is not None:
        files.append(LINK_RANKS)
    manifest = {
        "format": FORMAT,
        "settings": settings.as_json(),
        "encoders": encoded.encoders,
        "model": trained.shape,
        "packages": package_versions(),
        "inputs": {"names": [Path(one).name for one in inputs], "sha256": report["digest"]},
        "media_root": str(media_root),
        "counts": counts_of(graph, encoded, report["num_skipped"]),
        "skipped": report["skipped"][:1000],
        "notes": report["notes"],
        "rules": report["rules"],
        "shapes": report["shapes"],
        "targets": [
            {"target": one.lesson.target.iri, "scores": one.scores, "sentences": one.sentences()}
            for one in learned
        ],
        "files": [*files, "metrics.json"],
    }
    write_json(work / "manifest.json", manifest)
    (work / "reading.json").unlink(missing_ok=True)


def counts_of(graph: KnowledgeGraph, encoded: Encoded, skipped: int) -> dict[str, Any]:
    """What a manifest counts."""
    return {
        "entities": graph.num_entities,
        "relations": graph.num_relations,
        "triples": len(graph.triples),
        "literals": len(graph.literals),
        "observations": encoded.counts(),
        "skipped": skipped,
    }


def model_card(
    graph: KnowledgeGraph,
    encoders: Mapping[str, str],
    held_out: Mapping[str, Mapping[str, float]],
    settings: Settings,
    updates: int = 0,
) -> str:
    """What the store is, in Markdown."""
    scores = "\n".join(
        f"| {name} | {row['MRR']:.3f} | {row['R@1']:.3f} | {row['R@10']:.3f} | {row['queries']:.0f} |"
        for name, row in held_out.items()
    )
    shown = "\n".join(f"- {modality}: {name}" for modality, name in encoders.items())
    since = ""
    if updates:
        since = (
            f"\nUpdated {counted(updates, 'time')} since it was trained; the scores are of the training.\n"
        )
    return f"""# A Sensegraph store

{graph!r}, fused by {settings.fusion}, seed {settings.seed}.
{since}
Encoders:

{shown or "- none: structure alone"}

Scores on held-out concepts and facts (one split; see pipelines.evaluate for more):

| | MRR | R@1 | R@10 | queries |
|---|---|---|---|---|
{scores}

Ask it: `python -m pipelines.query --store . --text "..."`
"""
