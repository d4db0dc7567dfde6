"""The notebook runs from its first cell to its last, on a small store, and is kept without outputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

if TYPE_CHECKING:
    from nbformat import NotebookNode

EXPLORE = Path(__file__).parents[1] / "notebooks" / "explore.ipynb"


@pytest.fixture(scope="module")
def executed(store_folder: Path) -> NotebookNode:
    """The notebook as it stands after a run on the shared collection's store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENSEGRAPH_STORE", str(store_folder))
        patch.setenv("SENSEGRAPH_TEXT", "a wild cat")
        patch.setenv("SENSEGRAPH_GROUP", "schema:about/skos:broader")
        patch.setenv("SENSEGRAPH_RELATION", "https://schema.org/about")
        from nbclient import NotebookClient

        notebook = nbformat.read(EXPLORE, as_version=4)
        resources = {"metadata": {"path": str(EXPLORE.parents[1])}}
        NotebookClient(notebook, timeout=120, resources=resources).execute()
        return notebook


def outputs(notebook: NotebookNode, kind: str) -> list[str]:
    return [
        output["data"][kind]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if kind in output.get("data", {})
    ]


def test_every_cell_runs_and_nothing_complains(executed: NotebookNode) -> None:
    said = [
        output
        for cell in executed.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "error" or output.get("name") == "stderr"
    ]
    assert said == []
    assert all(cell["execution_count"] for cell in executed.cells if cell["cell_type"] == "code")


def test_it_shows_a_data_frame_cards_with_media_and_three_drawings(executed: NotebookNode) -> None:
    pages = outputs(executed, "text/html")
    assert any("http://www.w3.org/2004/02/skos/core#broader" in page and "<table" in page for page in pages)
    cards = [page for page in pages if 'class="sensegraph"' in page]
    assert len(cards) == 4  # three answers, one set of reasons
    assert "data:image/webp;base64," in cards[0]
    assert "data:audio/wav;base64," in cards[2]
    assert "Nearest evidence" in cards[3]
    assert len(outputs(executed, "image/png")) == 3
    assert len(outputs(executed, "application/vnd.jupyter.widget-view+json")) == 1


def test_it_is_kept_without_outputs() -> None:
    notebook: Any = nbformat.read(EXPLORE, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell["cell_type"] == "code"]
    assert len(code) >= 10
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
