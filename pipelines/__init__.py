"""Where graph, encoders and fusion meet: build a store, ask it, evaluate it.

from pipelines import Searcher, build
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.building.build import build as build
    from pipelines.search.question import Query as Query
    from pipelines.search.retrieval import Searcher as Searcher
    from pipelines.settings import Settings as Settings
    from pipelines.updating.update import update as update

_HOME = {
    "build": "building.build",
    "Query": "search.question",
    "Searcher": "search.retrieval",
    "Settings": "settings",
    "update": "updating.update",
}


def __getattr__(name: str) -> Any:
    """Import on first use: a command's --help must not wait for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'pipelines' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"pipelines.{_HOME[name]}"), name)
