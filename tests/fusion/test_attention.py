"""The fusion by attention, on entities small enough to be worked by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from fusion import attention
from fusion.attention import CrossModalAttention
from fusion.base import CONTEXT, NAMED, STRUCTURE, JointGraph, Sense, View, unit, view_of
from fusion.names import Names
from fusion.objectives import alignment
from fusion.senses import FEW
from fusion.sparse_rows import SparseRows
from kg.diffusion import affinity
from kg.sparse import SortedEdges

EAST, NORTH, UP = torch.eye(3)
NONE = float("-inf")
Facts = Sequence[tuple[int, int, int]]


def graph_of(
    num_entities: int,
    observations: dict[str, dict[int, Tensor]],
    facts: Facts = (),
    *,
    weights: list[float] | None = None,
    near: Tensor | None = None,
) -> JointGraph:
    """A joint graph of entities with at most one observation a sense; two relations and their inverses."""
    triples = torch.tensor(list(facts), dtype=torch.int64).view(-1, 3)
    head, relation, tail = triples.unbind(1)
    edge_index = torch.stack([torch.cat([head, tail]), torch.cat([tail, head])])
    edges = SortedEdges.of(edge_index, torch.cat([relation, relation + 2]), num_entities, 4)
    weight = torch.tensor(weights if weights is not None else [1.0] * len(facts))
    features = {name: torch.stack(list(rows.values())) for name, rows in observations.items()}
    owners = {name: torch.tensor(list(rows)) for name, rows in observations.items()}
    log_weight = torch.cat([weight, weight])[edges.order].log()
    return JointGraph(num_entities, features, owners, edges, log_weight, near)


def model_of(
    *modalities: str, context: tuple[str, ...] = (), structure_width: int = 0, size: int = 3
) -> CrossModalAttention:
    """A model whose projections change nothing, so that vectors can be read."""
    sizes = dict.fromkeys(modalities, size)
    model = CrossModalAttention(sizes, 4, context=context, structure_width=structure_width)
    for name in modalities:
        getattr(model, f"basis_{name}").copy_(torch.eye(size))
    return model


def everyone(graph: JointGraph) -> Tensor:
    return torch.ones(graph.num_entities, dtype=torch.bool)


def all_but(graph: JointGraph, *hidden: int) -> Tensor:
    visible = everyone(graph)
    visible[list(hidden)] = False
    return visible


def inferred(
    model: CrossModalAttention, graph: JointGraph, entity: int, target: str, visible: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One sense of one entity as attention infers it, and the attention over all entities."""
    seen = everyone(graph) if visible is None else visible
    memory = model.memory(graph, None, seen)
    view = view_of(memory, graph, torch.tensor([entity]))
    vectors, alpha = model.infer(view, memory, seen, target)
    spread = torch.zeros(graph.num_entities)
    spread[memory[target].present & seen] = alpha[0]
    return vectors[0], spread


def random_case(seed: int = 0) -> tuple[CrossModalAttention, JointGraph, Tensor]:
    """Twelve entities with gaps in every sense, facts, diffusion, and parameters that all matter."""
    torch.manual_seed(seed)
    image = {entity: torch.randn(6) for entity in (0, 1, 2, 4, 7, 8)}
    text = {entity: torch.randn(6) for entity in (0, 2, 3, 5, 7)}
    facts = [
        (0, 0, 1),
        (1, 1, 2),
        (2, 0, 3),
        (4, 1, 5),
        (6, 0, 0),
        (7, 0, 8),
        (9, 1, 7),
        (3, 1, 9),
        (2, 1, 5),
    ]
    pairs = torch.tensor(facts)[:, [0, 2]].t()
    graph = graph_of(
        12,
        {"image": image, "text": text},
        facts,
        weights=[1, 0.5, 1, 0.2, 1, 0.7, 1, 1, 0.3],
        near=affinity(pairs, torch.ones(len(facts)), 12),
    )
    model = CrossModalAttention(
        {"image": 6, "text": 6}, 4, context=("image", "text"), structure_width=4, width=5
    )
    for parameter in (model.nearness, model.diffusion):
        torch.nn.init.uniform_(parameter, 1, 5)
    for parameter in (model.relation_prior, model.own_gain, model.inferred_gain):
        torch.nn.init.normal_(parameter)
    return model, graph, torch.randn(12, 4)


def test_a_missing_sense_is_inferred_from_the_entity_that_is_nearest_by_the_other() -> None:
    # 2 has the text of 0 and no image; cosines 1 and 0 times nearness 4: odds e^4 to 1
    graph = graph_of(3, {"image": {0: EAST, 1: NORTH}, "text": {0: UP, 1: EAST, 2: UP}})
    vector, attention = inferred(model_of("image", "text"), graph, 2, "image")
    share = math.exp(4) / (math.exp(4) + 1)
    torch.testing.assert_close(attention, torch.tensor([share, 1 - share, 0]))
    torch.testing.assert_close(vector, unit(torch.tensor([share, 1 - share, 0])))


def test_the_diffusion_infers_where_no_sense_is_shared() -> None:
    # 3 has nothing to compare; nearness by the facts 0.5 and 1 times 2: odds 1 to e; 2 is not near at all
    near = torch.eye(4)
    near[3] = torch.tensor([0.5, 1.0, 0.0, 1.0])
    graph = graph_of(4, {"image": {0: EAST, 1: NORTH, 2: UP}}, near=near.to_sparse_csr())
    vector, attention = inferred(model_of("image"), graph, 3, "image")
    expected = torch.tensor([1, math.e, 0, 0]) / (1 + math.e)
    torch.testing.assert_close(attention, expected)
    torch.testing.assert_close(vector, unit(expected[:3]))


def test_nearness_by_several_senses_and_by_the_facts_adds_up() -> None:
    near = torch.eye(3)
    near[2] = torch.tensor([0.0, 0.5, 1.0])
    senses = {
        "image": {0: EAST, 1: NORTH},
        "text": {0: UP, 1: EAST, 2: UP},
        "audio": {0: EAST, 1: unit(EAST + NORTH), 2: NORTH},
    }
    graph = graph_of(3, senses, near=near.to_sparse_csr())
    model = model_of("image", "text", "audio")
    with torch.no_grad():
        model.nearness[0] = torch.tensor([0.0, 1.0, 3.0])
    _, attention = inferred(model, graph, 2, "image")
    logits = torch.tensor([1 * 1 + 3 * 0 + 2 * 0, 1 * 0 + 3 * 0.5**0.5 + 2 * 0.5])
    torch.testing.assert_close(attention[:2], logits.softmax(0))


def test_a_sense_that_only_one_side_has_says_nothing() -> None:
    # 2 has a text, 0 and 1 have none: nothing is shared, so nothing is inferred
    graph = graph_of(3, {"image": {0: EAST, 1: NORTH}, "text": {2: UP}})
    vector, attention = inferred(model_of("image", "text"), graph, 2, "image")
    assert vector.tolist() == [0, 0, 0]
    assert attention.tolist() == [0, 0, 0]


def test_nearness_is_never_held_against_an_entity() -> None:
    graph = graph_of(3, {"image": {0: EAST, 1: NORTH}, "text": {0: UP, 1: EAST, 2: UP}})
    model = model_of("image", "text")
    torch.nn.init.constant_(model.nearness, -4)
    _, attention = inferred(model, graph, 2, "image")
    assert attention.tolist() == [0.5, 0.5, 0]


def test_a_hidden_entity_is_not_attended_to() -> None:
    graph = graph_of(3, {"image": {0: EAST, 1: NORTH}, "text": {0: UP, 1: EAST, 2: UP}})
    vector, attention = inferred(model_of("image", "text"), graph, 2, "image", all_but(graph, 0))
    assert attention.tolist() == [0, 1, 0]
    assert vector.tolist() == NORTH.tolist()
    vector, attention = inferred(model_of("image", "text"), graph, 2, "image", all_but(graph, 0, 1))
    assert attention.tolist() == [0, 0, 0]
    assert vector.tolist() == [0, 0, 0]


def test_what_is_hidden_of_an_entity_is_not_looked_up_in_its_own_row() -> None:
    # nobody reads as 0 does but itself; without its own row, its image comes from 1
    graph = graph_of(2, {"image": {0: EAST, 1: NORTH}, "text": {0: UP, 1: UP}})
    model, rows = model_of("image", "text"), torch.tensor([0])
    memory = model.memory(graph, None, everyone(graph))
    senses = view_of(memory, graph, rows).senses
    hidden = senses["image"].hidden_where(torch.tensor([True]))
    view = View({**senses, "image": hidden}, None, rows)
    vector, attention = model.infer(view, memory, everyone(graph), "image")
    assert attention.tolist() == [[0, 1]]
    assert vector[0].tolist() == NORTH.tolist()
    completed = model.complete(view, memory, everyone(graph))["image"].vectors
    torch.testing.assert_close(completed[0], NORTH * math.exp(-0.5))


def test_a_sense_is_inferred_from_the_other_senses_even_where_it_is_known() -> None:
    # 0 looks like 1 but reads like 2: its image, hidden, is inferred by its text alone
    graph = graph_of(3, {"image": {0: EAST, 1: EAST, 2: NORTH}, "text": {0: UP, 1: EAST, 2: UP}})
    _, attention = inferred(model_of("image", "text"), graph, 0, "image", all_but(graph, 0))
    share = math.exp(4) / (math.exp(4) + 1)
    torch.testing.assert_close(attention, torch.tensor([0, 1 - share, share]))


def test_what_is_hidden_has_no_influence_on_anybody_else() -> None:
    model, graph, structure = random_case()
    visible = all_but(graph, 2, 7)
    others = visible.nonzero().squeeze(1)
    before = model.embed(
        view_of(model.memory(graph, structure, visible), graph, others),
        model.memory(graph, structure, visible),
        visible,
    )
    for name, owners in graph.owners.items():
        graph.features[name][(owners == 2) | (owners == 7)] = torch.randn(6)
    structure[[2, 7]] = torch.randn(2, 4)
    memory = model.memory(graph, structure, visible)
    torch.testing.assert_close(before, model.embed(view_of(memory, graph, others), memory, visible))


def test_similarity_of_two_joint_vectors_is_the_sum_over_their_blocks() -> None:
    model, graph, structure = random_case()
    joint = model(graph, structure)
    by_block = [joint[:, block] @ joint[:, block].t() for block in model.blocks().values()]
    torch.testing.assert_close(torch.stack(by_block).sum(0), joint @ joint.t())


def test_blocks_lie_side_by_side_in_the_order_of_the_senses() -> None:
    model = CrossModalAttention({"image": 9, "text": 4}, 2, context=("text",), structure_width=6, width=5)
    assert model.blocks() == {
        "image": slice(0, 5),
        "text": slice(5, 9),
        CONTEXT + "text": slice(9, 13),
        STRUCTURE: slice(13, 19),
    }
    assert tuple(model.blocks()) == model.senses


def test_each_block_is_its_sense_scaled_by_its_gain() -> None:
    # 2 has its own text, gain e^0, and the image of 0 inferred, gain e^-1/2: before all is made unit
    graph = graph_of(3, {"image": {0: EAST}, "text": {0: UP, 2: NORTH}})
    model = model_of("image", "text")
    joint = model(graph)
    whole = math.sqrt(1 + math.exp(-1))
    torch.testing.assert_close(joint[2, model.blocks()["text"]], NORTH / whole)
    torch.testing.assert_close(joint[2, model.blocks()["image"]], EAST * math.exp(-0.5) / whole)
    torch.testing.assert_close(joint[0], torch.cat([EAST, UP]) / math.sqrt(2))


def test_every_entity_that_anything_is_known_of_has_a_vector_of_length_one() -> None:
    model, graph, structure = random_case()
    lengths = model(graph, structure).norm(dim=1)
    # 10 and 11 have neither a fact nor an observation
    torch.testing.assert_close(lengths, torch.tensor([1.0] * 10 + [0.0] * 2))


def test_an_entity_with_nothing_but_an_image_has_its_image_and_infers_the_rest() -> None:
    graph = graph_of(3, {"image": {0: EAST, 1: NORTH, 2: EAST}, "text": {0: UP, 1: EAST}})
    model = model_of("image", "text")
    joint = model(graph)
    torch.testing.assert_close(unit(joint[2:, model.blocks()["image"]])[0], EAST)
    assert joint[2, model.blocks()["text"]] @ UP > joint[2, model.blocks()["text"]] @ EAST > 0


def test_an_image_alone_among_images_alone_is_its_own_vector() -> None:
    graph = graph_of(2, {"image": {0: EAST, 1: unit(EAST + UP)}})
    torch.testing.assert_close(model_of("image")(graph), torch.stack([EAST, unit(EAST + UP)]))


def test_numbering_the_entities_otherwise_numbers_their_vectors_otherwise() -> None:
    model, graph, structure = random_case()
    order = torch.randperm(12)  # the new number of each entity
    back = order.argsort()
    ends = order[graph.edges.edge_index]
    edges = SortedEdges.of(ends, graph.edges.edge_type, 12, 4)
    assert graph.affinity is not None
    moved = JointGraph(
        12,
        graph.features,
        {name: order[owners] for name, owners in graph.owners.items()},
        edges,
        graph.log_weight[edges.order],
        graph.affinity.to_dense()[back][:, back].to_sparse_csr(),
    )
    torch.testing.assert_close(model(moved, structure[back])[order], model(graph, structure))


def test_the_order_of_the_observations_does_not_matter() -> None:
    model, graph, structure = random_case()
    before = model(graph, structure)
    turned = JointGraph(
        12,
        {name: rows.flip(0) for name, rows in graph.features.items()},
        {name: owners.flip(0) for name, owners in graph.owners.items()},
        graph.edges,
        graph.log_weight,
        graph.affinity,
    )
    torch.testing.assert_close(model(turned, structure), before)


def test_entities_embedded_in_blocks_are_those_embedded_at_once() -> None:
    model, graph, structure = random_case()
    torch.testing.assert_close(model(graph, structure, block=5), model(graph, structure))


def test_a_query_that_shows_what_an_entity_shows_gets_the_entitys_vector() -> None:
    model, graph, structure = random_case()
    visible = everyone(graph)
    memory = model.memory(graph, structure, visible)
    own = {name: Sense(sense.vectors[3:4].clone(), sense.present[3:4]) for name, sense in memory.items()}
    assert graph.affinity is not None
    query = View(own, SparseRows.of_dense(graph.affinity.to_dense()[3:4]))
    assert len(query) == 1
    torch.testing.assert_close(model.embed(query, memory, visible)[0], model(graph, structure)[3])


def test_the_context_is_what_the_neighbours_are_like_weighed_by_relation_and_fact() -> None:
    # 2 hears 0 by relation 0 and 1 by relation 1: prior log 3, then weights 1 and 1/2 turn 1:3 into 2:3
    model = model_of("image", context=("image",))
    with torch.no_grad():
        model.relation_prior[1] = math.log(3)
    senses = {"image": {0: EAST, 1: NORTH}}
    for weights, odds in (([1.0, 1.0], (1.0, 3.0)), ([1.0, 0.5], (2.0, 3.0))):
        graph = graph_of(3, senses, [(0, 0, 2), (1, 1, 2)], weights=weights)
        heard = model.memory(graph, None, all_but(graph, 2))[CONTEXT + "image"]
        torch.testing.assert_close(heard.vectors[2], unit(torch.tensor([*odds, 0.0])))
        assert heard.present.tolist() == [False, False, True]


def test_the_context_fades_with_each_fact_between(monkeypatch: pytest.MonkeyPatch) -> None:
    # 0 - 1 - 2 - 3 with senses at the ends: 1 hears EAST from 0 at once, NORTH by 2 after one more fact,
    # and as its third word its own EAST back from 0 and 2
    monkeypatch.setattr("fusion.attention.HOPS", 3)
    monkeypatch.setattr("fusion.attention.DECAY", 0.5)
    graph = graph_of(4, {"image": {0: EAST, 3: NORTH}}, [(0, 0, 1), (1, 0, 2), (2, 0, 3)])
    model = model_of("image", context=("image",))
    heard = model.memory(graph, None, everyone(graph))[CONTEXT + "image"]
    torch.testing.assert_close(heard.vectors[1], unit(torch.tensor([1.25, 0.5, 0.0])))


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_the_context_reaches_as_many_facts_as_there_are_hops(
    monkeypatch: pytest.MonkeyPatch, hops: int
) -> None:
    monkeypatch.setattr("fusion.attention.HOPS", hops)
    chain = [(place, 0, place + 1) for place in range(5)]
    graph = graph_of(6, {"image": {0: EAST}}, chain)
    heard = model_of("image", context=("image",)).memory(graph, None, everyone(graph))[CONTEXT + "image"]
    reached = [place for place in range(1, 6) if heard.present[place]]
    assert reached == list(range(1, hops + 1))
    assert heard.vectors[reached].tolist() == [EAST.tolist()] * hops


def test_a_hidden_neighbour_is_not_heard_and_passes_nothing_on() -> None:
    graph = graph_of(4, {"image": {0: EAST, 1: NORTH}}, [(0, 0, 1), (1, 0, 2), (2, 0, 3)])
    model = model_of("image", context=("image",))
    heard = model.memory(graph, None, all_but(graph, 1))[CONTEXT + "image"]
    assert heard.present.tolist() == [False, True, False, False]
    assert heard.vectors.tolist() == [[0, 0, 0], EAST.tolist(), [0, 0, 0], [0, 0, 0]]


@torch.no_grad()
def heard_by_priors(right: float, wrong: float) -> tuple[float, Tensor]:
    """What an entity hears by relation 0, which ties it to EAST, beside 1, to NORTH; and its context."""
    pictures = {"image": {0: EAST, 1: NORTH}}
    graph = graph_of(3, pictures, [(2, 0, 0), (2, 1, 1)], weights=[right, wrong])
    model = model_of("image", context=("image",))
    memory = model.memory(graph, None, all_but(graph, 2))
    alpha, heard = model.listening(graph, memory["image"].present)
    by_right = heard & (graph.edges.sources.row == 2) & (graph.edges.edge_type % 2 == 0)
    return float(alpha[by_right].sum()), memory[CONTEXT + "image"].vectors[2]


@pytest.mark.parametrize("prior", [0.0, 0.01, 0.1, 0.5, 1.0])
def test_attention_by_a_relation_is_its_prior_over_the_sum_of_priors(prior: float) -> None:
    # logits log p and log 1: a softmax of p / (p + 1)
    assert heard_by_priors(prior, 1.0)[0] == pytest.approx(prior / (prior + 1))
    assert heard_by_priors(1.0, prior)[0] == pytest.approx(1 / (prior + 1))


def test_a_prior_decides_which_neighbour_an_entity_is_like_and_a_wrong_one_hurts() -> None:
    contexts = {pair: heard_by_priors(*pair)[1] for pair in ((1.0, 0.1), (0.1, 1.0), (1.0, 1.0), (1.0, 0.0))}
    first = {
        pair: ["EAST", "NORTH"][int((context @ NORTH) > (context @ EAST))]
        for pair, context in contexts.items()
    }
    assert first[1.0, 0.1] == "EAST"
    assert first[0.1, 1.0] == "NORTH"
    # by the right relation alone it is what it is tied to; each step of the wrong one's prior takes from that
    truth = [float(contexts[pair] @ EAST) for pair in ((1.0, 0.0), (1.0, 0.1), (1.0, 1.0), (0.1, 1.0))]
    assert truth == pytest.approx([1, 1 / math.hypot(1, 0.1), 1 / math.hypot(1, 1), 0.1 / math.hypot(1, 0.1)])


def test_facts_of_prior_zero_have_no_influence_on_contexts() -> None:
    senses = {"image": {0: EAST, 1: NORTH, 2: UP}}
    facts = [(0, 0, 3), (1, 1, 3), (1, 1, 4), (2, 0, 1), (4, 1, 2)]
    kept = [fact for fact in facts if fact[1] == 0]
    model = model_of("image", context=("image",))
    torch.nn.init.normal_(model.relation_prior)
    weighted = graph_of(5, senses, facts, weights=[float(fact[1] == 0) for fact in facts])
    assert (weighted.log_weight == NONE).any()
    fewer = graph_of(5, senses, kept)
    one, other = (
        model.memory(graph, None, everyone(graph))[CONTEXT + "image"] for graph in (weighted, fewer)
    )
    torch.testing.assert_close(one.vectors, other.vectors)
    assert one.present.tolist() == other.present.tolist() == [True, True, True, True, False]


def test_facts_of_prior_zero_leave_finite_gradients() -> None:
    graph = graph_of(4, {"image": {0: EAST, 1: NORTH}}, [(0, 0, 2), (1, 1, 3)], weights=[1, 0])
    model = model_of("image", context=("image",))
    vectors = model.contexts(graph, model.observe(graph, None), everyone(graph))[CONTEXT + "image"].vectors
    (1e6 * vectors).sum().backward()
    assert model.relation_prior.grad is not None
    assert bool(model.relation_prior.grad.isfinite().all())


def test_structure_is_a_sense_of_the_entities_that_have_facts() -> None:
    graph = graph_of(3, {"image": {0: EAST}}, [(0, 0, 1)])
    structure = torch.tensor([[3.0, 4.0], [0.0, 2.0], [1.0, 1.0]])
    sense = model_of("image", structure_width=2).observe(graph, structure)[STRUCTURE]
    torch.testing.assert_close(sense.vectors, torch.tensor([[0.6, 0.8], [0, 1], [0, 0]]))
    assert sense.present.tolist() == [True, True, False]


def test_a_fusion_made_for_structure_asks_for_it() -> None:
    graph = graph_of(2, {"image": {0: EAST}}, [(0, 0, 1)])
    with pytest.raises(ValueError, match=r"expected structure vectors of width 2 \(got none\)"):
        model_of("image", structure_width=2)(graph)


def test_senses_are_reduced_to_the_principal_components_of_the_visible_observations() -> None:
    torch.manual_seed(0)
    count = 2 * FEW
    rows = torch.randn(count, 6) @ torch.diag(torch.tensor([5.0, 4, 3, 1, 0.5, 0.1])) + 7
    graph = graph_of(count, {"image": dict(enumerate(rows))})
    visible = torch.arange(count) < count - 8
    model = CrossModalAttention({"image": 6}, 4, width=3)
    model.fit_senses(graph, visible)
    oracle = PCA(3).fit(rows[visible].numpy())
    expected = oracle.transform(rows.numpy())
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    ours = model.project("image", rows).numpy()
    # components are free in sign, so the similarities are compared
    np.testing.assert_allclose(ours @ ours.T, expected @ expected.T, atol=1e-4)
    torch.testing.assert_close(model.get_buffer("mean_image"), rows[visible].mean(0))


def test_few_observations_keep_their_angles() -> None:
    torch.manual_seed(0)
    rows = unit(torch.randn(FEW - 1, 6))
    graph = graph_of(FEW - 1, {"image": dict(enumerate(rows))})
    model = CrossModalAttention({"image": 6}, 4)
    model.fit_senses(graph, everyone(graph))
    torch.testing.assert_close(model(graph) @ model(graph).t(), rows @ rows.t())


def test_fewer_observations_than_dimensions_leave_the_other_dimensions_empty() -> None:
    torch.manual_seed(0)
    rows = torch.randn(FEW, 2 * FEW)
    graph = graph_of(FEW, {"image": dict(enumerate(rows))})
    model = CrossModalAttention({"image": 2 * FEW}, 4, width=2 * FEW)
    model.fit_senses(graph, everyone(graph))
    projected = model.project("image", rows)
    assert (projected[:, FEW:] == 0).all()
    centred = unit(rows - rows.mean(0))
    torch.testing.assert_close(projected @ projected.t(), centred @ centred.t())


def test_two_models_of_the_same_sizes_start_from_the_same_projection() -> None:
    first, second = (CrossModalAttention({"image": 6}, 4, width=3) for _ in range(2))
    assert torch.equal(first.get_buffer("basis_image"), second.get_buffer("basis_image"))
    basis = first.get_buffer("basis_image")
    torch.testing.assert_close(basis.t() @ basis, torch.eye(3))


def test_training_moves_every_parameter_and_none_to_infinity() -> None:
    model, graph, structure = random_case()
    visible = all_but(graph, 2, 7)
    memory = model.memory(graph, structure, visible)
    rows = torch.tensor([0, 2, 7])
    text = View({"text": memory["text"][rows]})
    rest = {name: sense[rows] for name, sense in memory.items() if name != "text"}
    assert graph.affinity is not None
    ends = (
        model.embed(text, memory, visible),
        model.embed(View(rest, SparseRows.of(graph.affinity, rows)), memory, visible),
    )
    alignment(*ends, model.log_scale.exp()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name
        assert bool((parameter.grad != 0).any()), name


def test_with_too_many_to_attend_to_a_spread_of_them_and_the_nearest_by_facts_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attention, "KEYS", 4)
    able = torch.tensor([True] * 9 + [False])
    assert attention._keys(View({}), able).tolist() == [0, 4]
    near = torch.zeros(2, 10)
    near[0, [3, 8, 9]] = torch.tensor([0.2, 0.3, 0.9])
    near[1, [1, 4]] = torch.tensor([0.1, 0.2])
    present = torch.ones(2, dtype=torch.bool)
    view = View({"text": Sense(torch.ones(2, 1), present)}, SparseRows.of_dense(near))
    # two of the nine that are able, and the nearest one of each row; 9 is nearer, but not able
    assert attention._keys(view, able).tolist() == [0, 4, 8]
    assert attention._keys(view, able & (torch.arange(10) < 4)).tolist() == [0, 1, 2, 3]


def test_what_is_inferred_from_a_sample_is_inferred_from_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model, graph, structure = random_case()
    visible = everyone(graph)
    memory = model.memory(graph, structure, visible)
    view = view_of(memory, graph, torch.tensor([3, 5]))
    target = model.modalities[0]
    able = memory[target].present & visible
    monkeypatch.setattr(attention, "KEYS", 4)
    keys = attention._keys(view, able)
    assert len(keys) < int(able.sum())
    sampled, _ = model.infer(view, memory, visible, target)
    monkeypatch.undo()
    among = torch.zeros_like(visible).index_fill(0, keys, True)
    torch.testing.assert_close(sampled, model.infer(view, memory, among, target)[0])


def naming_model() -> tuple[CrossModalAttention, JointGraph]:
    """Entity 0 has a picture of its own, 1 and 2 have both senses; the encoder names the axes."""
    graph = graph_of(3, {"text": {1: EAST, 2: NORTH}, "image": {0: UP, 1: EAST, 2: NORTH}})
    graph = replace(graph, names=Names("image", "text", torch.eye(3), torch.eye(3)))
    model = CrossModalAttention({"text": 3, "image": 3}, 4, named=("image", "text"))
    for name in ("text", "image"):
        getattr(model, f"basis_{name}").copy_(torch.eye(3))
    model.fit_senses(graph, everyone(graph))  # too few to fit anything but the mean of the names
    return model, graph


def test_a_text_that_is_missing_is_told_by_the_names_as_well() -> None:
    model, graph = naming_model()
    torch.testing.assert_close(model.own(graph)[NAMED].vectors[0], unit(UP - (EAST + NORTH) / 2))
    told, _ = inferred(model, graph, 0, "text")
    with torch.no_grad():
        model.names_gain.zero_()
    untold, _ = inferred(model, graph, 0, "text")
    torch.testing.assert_close(untold, unit(EAST + NORTH))  # up is as far from east as from north
    torch.testing.assert_close(told, unit(unit(EAST + NORTH) + unit(UP - (EAST + NORTH) / 2)))


def test_names_tell_where_nothing_can_be_attended_to_and_say_nothing_of_pictures() -> None:
    model, graph = naming_model()
    alone, _ = inferred(model, graph, 0, "text", all_but(graph, 1, 2))
    torch.testing.assert_close(alone, unit(UP - (EAST + NORTH) / 2))
    memory = model.memory(graph, None, everyone(graph))
    view = View({"text": memory["text"][torch.tensor([1])], NAMED: memory[NAMED][torch.tensor([2])]})
    with_names, _ = model.infer(view, memory, everyone(graph), "image")
    without, _ = model.infer(View({"text": view.senses["text"]}), memory, everyone(graph), "image")
    torch.testing.assert_close(with_names, without)


def test_a_model_without_names_has_no_parameters_for_them() -> None:
    assert not [name for name in model_of("text", "image").state_dict() if "names" in name]
    assert model_of("text", "image").seen_by("image") == ("image",)
    assert naming_model()[0].seen_by("image") == ("image", NAMED)


@pytest.mark.parametrize(("named", "worth"), [(torch.eye(8), 1.0), (torch.eye(8).roll(1, 0), 0.0)])
def test_names_start_at_what_they_are_worth_among_the_entities_with_both_senses(
    named: Tensor, worth: float
) -> None:
    rows = dict(enumerate(torch.eye(8)))
    graph = graph_of(8, {"text": rows, "image": rows})
    # pictures that say their own text, or that of their neighbour
    graph = replace(graph, names=Names("image", "text", 20 * torch.eye(8), named))
    model = CrossModalAttention({"text": 8, "image": 8}, 4, named=("image", "text"))
    for name in ("text", "image"):
        getattr(model, f"basis_{name}").copy_(torch.eye(8))
    model.fit_senses(graph, everyone(graph))
    torch.testing.assert_close(model.names_gain.detach(), torch.full((2,), worth))
