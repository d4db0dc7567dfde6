"""Names alone find answers that are called alike."""

from __future__ import annotations

import gzip
from pathlib import Path

import torch

from benchmarks import mmkg_names
from benchmarks.mmkg_names import Names, name_rows

LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"


def test_rows_of_like_names_are_alike_and_those_without_a_label_go_by_their_iri(tmp_path: Path) -> None:
    entities = [f"x:/{word}{i}" for word in ("river", "castle") for i in range(8)]
    with gzip.open(tmp_path / "labels.nt.gz", "wt") as file:
        for place in (0, 8):
            file.write(f'<{entities[place]}> {LABEL} "{entities[place][3:]}" .\n')
    rows = name_rows(entities, tmp_path / "labels.nt.gz", width=4)
    near = rows @ rows.t()
    assert near[:8, :8].min() > near[:8, 8:].max()


def test_a_regular_name_is_found(monkeypatch) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    monkeypatch.setattr(mmkg_names, "EPOCHS", 200)
    rows = torch.nn.functional.normalize(torch.randn(20, 16, generator=torch.Generator().manual_seed(0)))
    rows[10:] = rows[:10].roll(1, dims=1)  # the tail of entity i, i + 10, is called as i is, but for a shift
    facts = torch.stack([torch.arange(8), torch.zeros(8, dtype=torch.int64), torch.arange(10, 18)], dim=1)
    model = Names.trained(rows, facts, 1, seed=0)
    assert model(facts[:, 0], facts[:, 1]).argmax(1).tolist() == facts[:, 2].tolist()
