"""A KnowledgeGraph as other tools take it: networkx, PyTorch Geometric, lines of text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kg.graph import KnowledgeGraph

if TYPE_CHECKING:
    import networkx
    from torch_geometric.data import HeteroData


def to_networkx(given: KnowledgeGraph) -> networkx.MultiDiGraph:
    """Give the facts to networkx; see `KnowledgeGraph.to_networkx`."""
    import networkx

    graph = networkx.MultiDiGraph()
    entities, relations = given.entities.to_pylist(), given.relations.to_pylist()
    graph.add_nodes_from(entities)
    rows = zip(given.triples.tolist(), given.weights.tolist(), given.origin.tolist(), strict=True)
    graph.add_edges_from(
        (
            entities[head],
            entities[tail],
            {"relation": relations[relation], "weight": weight, "graph": given.graphs[origin]},
        )
        for (head, relation, tail), weight, origin in rows
    )
    return graph


def to_pyg(given: KnowledgeGraph) -> HeteroData:
    """Give the facts as PyG HeteroData; see `KnowledgeGraph.to_pyg`."""
    import torch
    from torch_geometric.data import HeteroData

    data = HeteroData()
    data["entity"].num_nodes = given.num_entities
    for index, relation in enumerate(given.relations.to_pylist()):
        rows = given.triples[:, 1] == index
        edges = data["entity", relation, "entity"]
        edges.edge_index = torch.from_numpy(given.triples[rows][:, ::2].T.copy())
        edges.edge_weight = torch.from_numpy(given.weights[rows])
    return data


def to_tsv(given: KnowledgeGraph, path: str | Path) -> None:
    """Write the facts as lines; see `KnowledgeGraph.to_tsv`."""
    entities, relations = given.entities.to_pylist(), given.relations.to_pylist()
    with Path(path).open("w", encoding="utf-8") as file:
        file.writelines(
            f"{entities[head]}\t{relations[relation]}\t{entities[tail]}\n"
            for head, relation, tail in given.triples.tolist()
        )
