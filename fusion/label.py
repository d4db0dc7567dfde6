"""Which class an entity is of: a link whose tail is a class, scored by each sense and by all at once.

Tensors only. Two terms: nearness to the classes' rows (`fusion.prototypes`), which needs few examples; and a
learned product of the fusion's joint vector with free rows, which starts at zero and tells what only several
senses together can.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from fusion.base import CONTEXT, STRUCTURE, JointGraph, Sense, Senses, View
from fusion.class_rows import Classes, Rows, class_rows
from fusion.prototypes import Nearness, Prototypes, nearest_example, nearness
from fusion.senses import SenseFusion
from fusion.sparse_rows import SparseRows
from fusion.structure import StructureEncoder


@dataclass(frozen=True)
class Memory:
    """Everything that a pass over the graph found.

    Shapes: ``free (classes, hidden)``, the rows of the learned term; `rows` those of the other, by sense.
    """

    senses: Senses
    affinity: Tensor | None
    free: Tensor
    rows: dict[str, Rows]


class LabelModel(nn.Module):
    """A fusion, and rows of classes that its vectors are compared with.

    Args:
        fusion: how the senses of an entity become one vector.
        candidates: ``(n,) bool``, entities that have or may get a label; they have no free row of structure,
            so that a new one is treated as those of the training were.
        class_entities: ``(classes,) int64``, the entity that each class is; -1 for a literal.
        examples: ``(2, m) int64``, entities of known class and these classes; one of several stands in as
            many columns and is a part of an example of each.
        num_relations: number of relations of the joint graph's edges (inverses counted).
        structure_width: width of the facts' own vectors, 0 where there are no facts.
        hidden: width of the learned term.
        dropout: share of the hidden units left out in training.
        learn_absent: whether the model knows of a sense that it is missing, as no evidence and a learned
            vector in the learned term; otherwise zeros stand in its place, as if they had been observed.
    """

    candidates: Tensor
    class_entities: Tensor
    examples: Tensor
    kept: Tensor

    def __init__(
        self,
        fusion: SenseFusion,
        candidates: Tensor,
        class_entities: Tensor,
        examples: Tensor,
        num_relations: int,
        *,
        structure_width: int = 0,
        hidden: int = 128,
        dropout: float = 0.3,
        learn_absent: bool = True,
    ) -> None:
        super().__init__()
        self.fusion = fusion
        self.register_buffer("candidates", candidates)
        self.register_buffer("class_entities", class_entities)
        self.register_buffer("examples", examples)
        self.structure = (
            StructureEncoder(len(candidates), num_relations, structure_width) if structure_width else None
        )
        by_facts = (STRUCTURE,) if structure_width and fusion.sees_facts else ()
        self.prototypes = Prototypes((*fusion.compared, *by_facts))
        self.imputed = not learn_absent
        self.absent = nn.Parameter(torch.zeros(len(fusion.senses), fusion.size), requires_grad=learn_absent)
        self.register_buffer("kept", torch.ones(len(fusion.senses)))
        self.hidden = nn.Sequential(
            nn.Linear(fusion.size, 2 * hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * hidden, hidden)
        )
        self.free = nn.Parameter(torch.zeros(len(class_entities), hidden))
        self.by_facts = nn.Linear(structure_width, hidden, bias=False) if structure_width else None
        if self.by_facts is not None:
            nn.init.zeros_(self.by_facts.weight)
        self.log_scale = nn.Parameter(torch.tensor(2.5))

    def remember(self, graph: JointGraph, own: Senses | None = None) -> Memory:
        """One pass over the whole graph; `own` are the entities' own senses, where they are known already."""
        vectors = None
        if self.structure is not None:
            vectors = self.structure(graph.edges, graph.log_weight, self.candidates)
        everyone = torch.ones_like(self.candidates)
        senses = self.fusion.memory(graph, vectors, everyone, own)
        known = (self.class_entities >= 0).nonzero().squeeze(1)
        place = self.class_entities[known]
        free: Tensor = self.free
        if len(known) and self.by_facts is not None and vectors is not None:
            free = free.index_add(0, known, self.by_facts(vectors[place]))
        near = None
        if len(known) and graph.affinity is not None and self.fusion.sees_facts:
            among = SparseRows.of(graph.affinity, place).at(place)
            near = among.new_zeros(len(free), len(free)).index_put((known.unsqueeze(1), known), among)
        classes = Classes(self.class_entities, self.examples, near)
        told = self.fusion.told(self.view(senses, graph.affinity, self.examples[0]))
        there = self.fusion.told(self._known(senses, graph.affinity, self.class_entities.clamp(min=0), {}))
        literal = self.class_entities < 0
        observed = {name: sense.hidden_where(literal) for name, sense in there.items()}
        return Memory(senses, graph.affinity, free, class_rows(told, observed, classes))

    def view(
        self, senses: Senses, affinity: Tensor | None, rows: Tensor, hidden: dict[str, Tensor] | None = None
    ) -> View:
        """What is known of some entities, some senses of some of them taken away.

        Args:
            senses: the memory's senses.
            affinity: the joint graph's diffusion.
            rows: ``(b,)`` which entities.
            hidden: sense -> ``(b,) bool``, where it is taken away; `structure` takes the diffusion as well.
        """
        view = self._known(senses, affinity, rows, hidden or {})
        if not self.imputed:
            return view
        there = {
            name: Sense(sense.vectors, torch.ones_like(sense.present)) for name, sense in view.senses.items()
        }
        return replace(view, senses=there)

    def _known(
        self, senses: Senses, affinity: Tensor | None, rows: Tensor, hidden: dict[str, Tensor]
    ) -> View:
        """The same, where what is missing is missing."""
        shown = {
            name: sense[rows].hidden_where(hidden[name]) if name in hidden else sense[rows]
            for name, sense in senses.items()
        }
        near = None
        if affinity is not None and self.fusion.sees_facts:
            near = SparseRows.of(affinity, rows)
            if STRUCTURE in hidden:
                near = near.hidden_where(hidden[STRUCTURE])
        return View(shown, near, rows)

    def logits(self, view: View, memory: Memory, known: Tensor | None = None) -> Tensor:
        """How well each class fits: ``(b, classes)``.

        Args:
            view: what is known of some entities.
            memory: what the whole graph tells.
            known: how much each row counts as an example itself (see `counted`), so that none is its own.
        """
        return self.likeness(view, memory, known) + self.learned(view, memory)

    def counted(self, rows: Tensor) -> Tensor:
        """How much some entities count as examples of each class: ``(b,) -> (b, classes)``."""
        entity, label = self.examples
        weight = Classes(self.class_entities, self.examples, None).weight
        asked, row = torch.unique(rows, return_inverse=True)
        place = torch.searchsorted(asked, entity).clamp(max=max(len(asked) - 1, 0))
        met = asked[place] == entity if len(asked) else torch.zeros_like(entity, dtype=torch.bool)
        out = weight.new_zeros(len(asked), len(self.class_entities))
        return out.index_put((place[met], label[met]), weight[met], accumulate=True)[row]

    def forward(self, graph: JointGraph, rows: Tensor) -> Tensor:
        """Logits of some entities of the graph, all their senses seen: ``(b, classes)``."""
        memory = self.remember(graph)
        return self.logits(self.view(memory.senses, graph.affinity, rows), memory)

    def likeness(self, view: View, memory: Memory, known: Tensor | None = None) -> Tensor:
        """The term of the classes' rows: ``(b, classes)``."""
        out: Tensor = self.prototypes(self.near(view, memory, known))
        return out

    def near(self, view: View, memory: Memory, known: Tensor | None = None) -> dict[str, Nearness]:
        """Some entities against the classes' rows by each sense, and against their examples by the facts."""
        told = self.fusion.told(view)
        out = {name: nearness(told[name], rows, known) for name, rows in memory.rows.items()}
        if STRUCTURE in self.prototypes.names:
            entity, label = self.examples
            near = memory.free.new_zeros(len(view), len(entity))
            if view.affinity is not None:
                near = view.affinity.at(entity)
            if view.entities is not None:
                near = near.masked_fill(view.entities.unsqueeze(1) == entity, 0)
            out[STRUCTURE] = nearest_example(near, label, len(memory.free))
        return out

    def learned(self, view: View, memory: Memory) -> Tensor:
        """The term of the joint vector, less of it where a sense is missing (`kept`): ``(b, classes)``."""
        joint = self.fusion.embed(view, memory.senses, torch.ones_like(self.candidates))
        each = [
            ~view.senses[name].present if name in view.senses else joint.new_ones(len(view)).bool()
            for name in self.fusion.senses
        ]
        lacks = torch.stack(each, dim=1)
        joint = joint + lacks.to(joint.dtype) @ self.absent
        out: Tensor = self.hidden(self.log_scale.exp() * joint) @ memory.free.t()
        return out * self.kept.where(lacks, 1).prod(1, keepdim=True)


def evidence_groups(senses: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """What counts as one source of evidence: each modality, and the facts with all that they bring."""
    names = tuple(senses)
    facts = tuple(name for name in names if name == STRUCTURE or name.startswith(CONTEXT))
    groups = {name: (name,) for name in names if name not in facts}
    return groups | ({"graph": facts} if facts else {})


def disturbed(sense: Sense, noise: float) -> Sense:
    """The sense with Gaussian noise of this length, relative to its unit vectors."""
    width = sense.vectors.shape[1]
    moved = sense.vectors + noise * width**-0.5 * torch.randn_like(sense.vectors)
    vectors = moved / moved.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return Sense(vectors * sense.vectors.any(1, keepdim=True), sense.present)
