"""A KnowledgeGraph as a folder of Parquet, NPY and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kg.folder import written_beside
from kg.graph import ARRAYS, TABLES, KnowledgeGraph

FORMAT = 1
"""Version of the folder."""


def save(graph: KnowledgeGraph, folder: Path) -> None:
    """Write the graph; an older one there is replaced."""
    facts = {"format": FORMAT, "graphs": graph.graphs, "prefixes": graph.prefixes}
    with written_beside(folder) as partial:
        for name in ("entities", "relations"):
            pq.write_table(pa.table({"iri": getattr(graph, name)}), partial / f"{name}.parquet")
        for name in TABLES:
            pq.write_table(getattr(graph, name), partial / f"{name}.parquet")
        for name in ARRAYS:
            np.save(partial / f"{name}.npy", getattr(graph, name), allow_pickle=False)
        text = json.dumps(facts, ensure_ascii=False, indent=1)
        (partial / "graph.json").write_text(text, encoding="utf-8")


def load(folder: Path) -> KnowledgeGraph:
    """Read what `save` wrote.

    Raises:
        ValueError: The folder is not there, is damaged or has another format version.
    """
    try:
        facts = json.loads((folder / "graph.json").read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            raise ValueError(f"expected format version {FORMAT} (got {facts['format']})")
        names = {
            name: _parquet(folder / f"{name}.parquet")["iri"].combine_chunks()
            for name in ("entities", "relations")
        }
        tables = {name: _parquet(folder / f"{name}.parquet") for name in TABLES}
        arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in ARRAYS}
        graphs, prefixes = tuple(facts["graphs"]), dict(facts["prefixes"])
        return KnowledgeGraph(**names, **arrays, graphs=graphs, **tables, prefixes=prefixes)
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise ValueError(f"{folder}: expected a saved knowledge graph, build it again ({error})") from error


def _parquet(path: Path) -> pa.Table:
    """Read a Parquet file without `read_table`, which looks for pandas and imports it where it is."""
    with pq.ParquetFile(path) as file:
        return file.read()
