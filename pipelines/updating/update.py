"""Update a store: statements come and go, what is new is observed and embedded by the weights that are there.

Nothing is trained. Parsing, encoding and the SPARQL store take time by the change; numbering the facts, the
diffusion where facts changed, and the pass of attention over all entities take time by the store. The new
state is written beside the old one, which readers keep (see `pipelines.store.states`).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.building.following import told
from pipelines.store.states import commit, locked, next_state, sweep
from pipelines.store.store import Store
from pipelines.training.history import Progress
from pipelines.wording import counted

if TYPE_CHECKING:
    from pipelines.updating.changing import Changed


class UpdateError(ValueError):
    """An update that cannot be made; the store stays as it was."""


@dataclass(frozen=True)
class Updated:
    """The store as it is now, and what the update did.

    `added` and `removed` count statements, `present` those that were to come and were there already, `absent`
    those that were to go and were not there. `pointed` has the entities of which nothing is stated any more,
    and how many facts still point to each. `left_out` says what of the change was skipped, missing or
    unreadable. `seconds` are told by stage.
    """

    store: Store
    added: int = 0
    removed: int = 0
    present: int = 0
    absent: int = 0
    entities_added: int = 0
    entities_removed: int = 0
    pointed: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    def sentences(self, most: int = 5) -> list[str]:
        """What a user should know of it, one sentence each."""
        statements = [counted(number, "statement") for number in (self.added, self.removed)]
        entities = [
            counted(number, "entity", "entities") for number in (self.entities_added, self.entities_removed)
        ]
        out = [f"added {statements[0]} and {entities[0]}, removed {statements[1]} and {entities[1]}"]
        if self.present:
            out.append(f"there already: {counted(self.present, 'statement')}")
        if self.absent:
            out.append(f"to be removed, but not there: {counted(self.absent, 'statement')}")
        for entity, count in list(self.pointed.items())[:most]:
            facts = "1 fact points" if count == 1 else f"{count:,} facts point"
            out.append(
                f"nothing is stated of {entity} any more, but {facts} to it: it stays, without observations"
            )
        if len(self.pointed) > most:
            out.append(f"the same holds of {len(self.pointed) - most:,} more")
        return [*out, *self.notes]


def update(
    store: str | Path,
    add: str | Path | Sequence[str | Path] = (),
    remove: str | Path | Sequence[str | Path] = (),
    *,
    media_root: str | Path | None = None,
    device: str = "auto",
    lenient: bool = False,
    progress: Progress | None = None,
) -> Updated:
    """Bring statements into a store and take others out; first these go, then those come.

    Args:
        store: folder of the store.
        add: RDF files or folders; media that they name are looked at even if they were known.
        remove: RDF files or folders with statements exactly as they were stated, in the same named graph. A
            blank node stands for the one node of which the file's statements hold.
        media_root: folder that media must lie in; by default that of the store.
        device: where encoders and passes run: cpu, cuda, or auto for CUDA where there is one.
        lenient: skip malformed statements, and those to be removed that are not there, instead of stopping.
        progress: called with stage, steps done, steps in all (0 if unknown).

    Raises:
        UpdateError: there is nothing to add or to remove, or media_root is no folder.
        ValueError: there is no store, another process updates it, a file cannot be read, a statement to be
            removed is not there, or none would be left; one sentence says how. The store stays as it was.
        OSError: the disk says no; the store stays as it was.
    """
    folder, say = Path(store), progress or (lambda stage, done, total: None)
    come, go = ([one] if isinstance(one, str | Path) else list(one) for one in (add, remove))
    if not come and not go:
        raise UpdateError("expected something to add or to remove (got neither --add nor --remove)")
    if media_root is not None and not Path(media_root).is_dir():
        raise UpdateError(f"expected --media-root to be a folder (got {media_root})")
    Store.open(folder)  # what is no store is told before a lock is put there
    with locked(folder):
        old = Store.open(folder)
        sweep(folder, old.manifest)
        with next_state(folder) as work:
            updated, manifest = _made(old, come, go, work, media_root, device, lenient, say)
            if manifest is not None:
                commit(folder, work, manifest)
        if manifest is not None:
            _finish(folder, old)
    return replace(updated, store=Store.open(folder))


def _made(
    old: Store,
    add: list[str | Path],
    remove: list[str | Path],
    work: Path,
    media_root: str | Path | None,
    device: str,
    lenient: bool,
    say: Progress,
) -> tuple[Updated, dict[str, Any] | None]:
    """Make the next state in a folder; None in place of its manifest if nothing changes."""
    from pipelines.building.build import Clock, resolve_device
    from pipelines.updating.carrying import Training
    from pipelines.updating.changing import changed_facts
    from pipelines.updating.renewal import media_access, observe, renew, told_of

    where, clock = resolve_device(device), Clock()
    with clock("reading"):
        training = Training.of(old)
        changed = changed_facts(old, training.relations, add, remove, work, lenient=lenient)
        say("rdf", 1, 1)
    updated = _report(old, changed)
    if not (changed.change.added or changed.change.removed or changed.anew):
        return updated, None
    with clock("encoding"):
        encoded = observe(old, changed, training, media_access(old, add, media_root), where, say)
    entry = told_of(add, remove, changed)
    with clock("embedding"):
        manifest = renew(old, changed, training, encoded, entry, work, device=where, progress=say)
    if media_root is not None:
        manifest["media_root"] = str(Path(media_root).absolute())
    problems = set(encoded.table["problem"].to_pylist()) - set(old.observed["problem"].to_pylist())
    left_out = (*changed.skipped, *sorted(problems - {None}))
    return replace(updated, left_out=left_out, seconds=clock.seconds), manifest


def _finish(folder: Path, old: Store) -> None:
    """Put the card where people look for it, and take the old state away if nobody reads it."""
    new = Store.open(folder)
    beside = folder / ".README.md.tmp"
    shutil.copyfile(new.folder / "README.md", beside)
    beside.replace(folder / "README.md")
    old.release()
    sweep(folder, new.manifest)


def _report(old: Store, changed: Changed) -> Updated:
    graph, change = changed.graph, changed.change
    came = int((old.graph.entity_ids(graph.entities.to_pylist()) < 0).sum())
    return Updated(
        store=old,
        added=len(change.added),
        removed=len(change.removed),
        present=change.present,
        absent=len(change.absent),
        entities_added=came,
        entities_removed=old.graph.num_entities + came - graph.num_entities,
        pointed=_pointed(changed),
        notes=(*changed.notes, *told(changed.findings)),
    )


def _pointed(changed: Changed) -> dict[str, int]:
    """Entities that lost the last statement of their own, and how many stated facts point to them."""
    graph = changed.graph.stated()
    losers = {line.partition(">")[0][1:] for line in changed.change.removed}
    ids = graph.entity_ids(sorted(losers))
    own = [graph.triples[:, 0], graph.literals["entity"].to_numpy(), graph.media["entity"].to_numpy()]
    bare = np.setdiff1d(ids[ids >= 0], np.concatenate(own))
    count = np.bincount(graph.triples[:, 2], minlength=graph.num_entities)[bare]
    names = graph.entities.take(bare).to_pylist()
    return {name: number for name, number in zip(names, count.tolist(), strict=True) if number}
