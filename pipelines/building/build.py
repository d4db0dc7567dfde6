"""Build a store: read, encode, train, embed, write; every stage beside the old store.

The whole is renamed into place at the end, so a stopped build loses nothing: the old store stays, what was
read and encoded is kept, and the same call continues.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.building.reading import fetched, inputs_digest, read_inputs
from pipelines.files import cache_folder
from pipelines.settings import Settings
from pipelines.store.manifest import is_store
from pipelines.store.object_storage import building_place, check_free, is_url, put_store
from pipelines.store.states import locked, recover_folder, replace_folder
from pipelines.store.store import Store, write_json
from pipelines.training.history import Progress

__all__ = ["build", "cache_folder", "media_folder", "resolve_device"]

if TYPE_CHECKING:
    from kg.graph import KnowledgeGraph
    from pipelines.labels.learn import Learned
    from pipelines.senses.encoding import Encoded
    from pipelines.training.train import Trained

DEMO_STORE = Path("stores/demo")


def build(
    inputs: str | Path | Sequence[str | Path] = (),
    out: str | Path = DEMO_STORE,
    *,
    settings: Settings | None = None,
    media_root: str | Path | None = None,
    device: str = "auto",
    lenient: bool = False,
    allow_remote: bool = False,
    rules: Sequence[str | Path] = (),
    shapes: Sequence[str | Path] = (),
    strict: bool = False,
    progress: Progress | None = None,
    accept: Sequence[str | Path] = (),
    reject: Sequence[str | Path] = (),
    engine: str = "local",
) -> Store:
    """Build a store and open it.

    Args:
        inputs: RDF file, folder or SPARQL endpoint, or several; none builds the demo. Files and folders,
            like `out` and `media_root`, may be URLs of an object storage (see
            `pipelines.store.object_storage`).
        out: folder of the store; an older store there is replaced when the new one is whole.
        settings: what the build depends on besides.
        media_root: folder that media must lie in; by default that of the first input file.
        device: cpu, cuda, or auto for CUDA where there is one.
        lenient: skip malformed statements instead of stopping.
        allow_remote: let endpoints be asked and remote media be fetched.
        rules: SPARQL CONSTRUCT files; what they conclude is kept apart from what was stated.
        shapes: SHACL files that the facts are checked against.
        strict: refuse to build on contradictions, violated shapes, hierarchies that go round, and a training
            that met a loss that is no number.
        progress: called with stage, steps done, steps in all (0 if unknown).
        accept: reviewed files of proposals that are facts now, in a named graph of their own.
        reject: reviewed files of proposals that are none, and are not proposed again.
        engine: who encodes: local for threads of this process, ray for the workers of a Ray cluster.

    Inside `pipelines.training.processes.together` several processes train, each calling this with the same
    arguments; the first one reads, encodes and writes, and the others find that on the disk.

    Raises:
        ValueError: the inputs, the settings or the folder are not right, a rule or a shape is wrong, or,
            where that is `strict`, the facts contradict each other; one sentence says how.
        DisagreementError: the processes were given different inputs or settings; nothing was written.
        LostError: another process ended.
        ImportError: what the engine needs is not installed.
    """
    from encoders import make_encoder, make_engine
    from fusion import FUSIONS
    from kg.vocabulary import DEFAULT
    from pipelines.building.following import check_findings, reasoning_of, with_cycles
    from pipelines.building.review import fact_ids, write_accepted
    from pipelines.building.training import trained_in
    from pipelines.building.writing import write_manifest
    from pipelines.labels.target import find_target
    from pipelines.senses.encoding import MediaAccess, encode_observations
    from pipelines.training import processes
    from pipelines.training.logs import check_logs
    from pipelines.training.train import with_scaled_numbers

    settings, far = settings or Settings(), str(out) if is_url(out) else None
    if far is not None:
        check_free(far)
    out = Path(out) if far is None else building_place(far, cache_folder())
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    if not processes.leads():  # it finds what the first one has encoded, and is silent
        engine, progress = "local", None
    say = progress or (lambda stage, done, total: None)
    if settings.fusion not in FUSIONS:
        raise ValueError(f"expected a fusion among {', '.join(FUSIONS)} (got {settings.fusion!r})")
    check_logs(settings.log)
    make_engine(engine, lambda: make_encoder("text"))  # that it cannot be reached is told before the work
    reasoning = reasoning_of(settings, rules, shapes, strict)
    accepted, refused = _reviewed(accept, reject)
    processes.same(
        lambda: {
            "inputs": inputs_digest(given, lenient, reasoning),
            "settings": json.dumps(settings.as_json()),
            "reviewed facts": repr((accepted, refused)),
        }
    )
    work, extra, kept = (
        out.absolute().with_name(f".{out.name}.{what}") for what in ("building", "accepted.nq", "training")
    )
    clock = Clock()
    with processes.first():
        if not given:
            from data.stamps.recipe import stamps_ttl

            given = [stamps_ttl()]
        recover_folder(out.absolute())
        _check_out(out, given)
        given, media_root, bring = fetched(given, media_root, cache_folder())
        if accepted:
            extra.parent.mkdir(parents=True, exist_ok=True)
            write_accepted(accepted, extra)
        with clock("reading"):
            read_in = [*given, extra] if accepted else given
            graph, report = read_inputs(read_in, work, reasoning, lenient, allow_remote, say)
    report["findings"] = with_cycles(report["findings"], graph, settings)
    check_findings(report, strict)
    rejected = fact_ids(graph, refused)
    for iri in settings.target:  # a mistake is told before the work, not after it
        find_target(graph, iri, settings.group)
    for iri in settings.prior:
        graph.relation_id(iri)
    access = MediaAccess(media_folder(given, media_root), cache_folder(), allow_remote, bring)
    where = resolve_device(device)
    with clock("encoding"), processes.first():
        encoded = encode_observations(
            graph, DEFAULT, settings, access, device=where, progress=say, engine=engine
        )
    encoded = encoded.seen_as(with_scaled_numbers(graph, encoded.observations, settings))
    trained, learned = trained_in(
        kept,
        graph,
        work / "graph",
        encoded,
        settings,
        device=where,
        progress=say,
        clock=clock,
        rejected=rejected,
    )
    report["notes"] = [*report["notes"], *_stops(trained, learned, strict)]
    if processes.leads():
        _write(work, out.name, graph, encoded, trained, learned, settings, clock)
        write_manifest(work, graph, report, encoded, trained, learned, settings, given, access.root)
        _put(work, out)
        extra.unlink(missing_ok=True)
        shutil.rmtree(kept, ignore_errors=True)
        if far is not None:
            put_store(out, far)
    processes.wait()
    return Store.open(far or out)


def _put(work: Path, out: Path) -> None:
    """Put a whole store in its place."""
    if out.exists():
        with locked(out, wait=True):  # an update that is at work there would else write into the new one
            replace_folder(work, out.absolute())
    else:
        replace_folder(work, out.absolute())


def _write(
    work: Path,
    name: str,
    graph: KnowledgeGraph,
    encoded: Encoded,
    trained: Trained,
    learned: Sequence[Learned],
    settings: Settings,
    clock: Clock,
) -> None:
    """Write all parts but the manifest, and the course of the training."""
    from pipelines.building.writing import write_parts
    from pipelines.training.link_report import leakage_report
    from pipelines.training.logs import write_logs

    with clock("writing"):
        write_parts(work, graph, encoded, trained, learned, settings)
    histories = trained.histories | {
        f"label {one.lesson.target.iri}": one.labeller.history for one in learned
    }
    write_logs(settings.log, histories, settings.as_json(), name=name, folder=work / "logs")
    losses = {objective: history.losses for objective, history in histories.items()}
    opened = trained.opened | {f"label {one.lesson.target.iri}": one.opened for one in learned}
    metrics = {
        "losses": losses,
        "held_out": trained.held_out,
        "test_opened": opened,
        "leakage": leakage_report(trained.given_away, graph.relations),
        "seconds": clock.seconds,
    }
    write_json(work / "metrics.json", metrics)


def _stops(trained: Trained, learned: Sequence[Learned], strict: bool) -> list[str]:
    """Sentences on trainings that met a loss that was no number and kept the best state before."""
    histories = [*trained.histories.values(), *(one.labeller.history for one in learned)]
    stops = [sentence for history in histories for sentence in history.stopped]
    if strict and stops:
        raise ValueError(f"expected --strict to build on losses that are numbers: {stops[0]}")
    return stops


def _reviewed(
    accept: Sequence[str | Path], reject: Sequence[str | Path]
) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    from pipelines.building.review import reviewed

    accepted, refused = reviewed(accept), reviewed(reject)
    if both := set(accepted) & set(refused):
        fact = " ".join(f"<{iri}>" for iri in min(both))
        raise ValueError(f"expected each fact in --accept or in --reject (got one in both: {fact})")
    return accepted, refused


def resolve_device(device: str) -> str:
    """Resolve auto to cuda where there is one.

    Raises:
        ValueError: if cuda is asked for and there is none.
    """
    import torch

    from pipelines.training import processes

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.device(device)
    except RuntimeError:
        raise ValueError(f"expected cpu, cuda or auto as the device (got {device!r})") from None
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(
            f"expected a device of this machine (got {device}, but torch finds no CUDA): use cpu"
        )
    return processes.own_gpu() if device == "cuda" and processes.count() > 1 else device


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a block."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 2)


def _check_out(out: Path, inputs: Sequence[str | Path]) -> None:
    """What lies at `out` is replaced, so it must be an older store, and nobody's source."""
    if out.exists() and not is_store(out) and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(
            f"expected --out to name a new folder or a store to replace (got {out}): name another"
        )
    for one in inputs:
        if Path(one).exists() and Path(one).resolve().is_relative_to(out.resolve()):
            raise ValueError(
                f"expected --out outside the inputs (got {out}, which holds {one}): name another"
            )


def media_folder(inputs: Sequence[str | Path], media_root: str | Path | None) -> Path:
    """The folder that media must lie in: the given one, else that of the first input.

    Raises:
        ValueError: if what is given is no folder.
    """
    if media_root is not None:
        root = Path(media_root)
        if not root.is_dir():
            raise ValueError(f"expected --media-root to be a folder (got {root})")
        return root.absolute()
    local = [Path(one).absolute() for one in inputs if Path(one).exists()]
    first = local[0] if local else Path.cwd()
    return first if first.is_dir() else first.parent
