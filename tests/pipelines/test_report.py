"""What a person sees of a run."""

from __future__ import annotations

from io import StringIO

import pyarrow as pa
from rich.console import Console

from pipelines.report import bars, build_table, hits_table, left_out, score_line
from pipelines.search.explain import Hit


def printed(thing: object) -> str:
    console = Console(file=StringIO(), width=200)
    console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_score_line_has_every_metric_and_the_number_of_queries() -> None:
    assert score_line({"MRR": 0.5, "R@1": 0.25, "queries": 8.0}) == "MRR 0.500  R@1 0.250  (8 queries)"


def test_the_table_of_a_build_has_counts_losses_scores_times_and_the_place() -> None:
    counts = {"entities": 1234, "relations": 5, "triples": 6, "skipped": 7}
    observations = {"image": {"found": 3, "missing": 2, "unreadable": 1}}
    text = printed(
        build_table(
            {"counts": {**counts, "observations": observations}, "encoders": {"image": "net@1"}},
            {
                "losses": {"links": [2.0, 1.5], "alignment": []},
                "held_out": {"text to image": {"MRR": 0.5, "queries": 8.0}},
                "seconds": {"reading": 1.0, "training": 2.5},
            },
            "stores/[mine]",
        )
    )
    for part in (
        "1,234 entities, 5 relations, 6 triples",
        "3 found, 2 missing, 1 unreadable  (net@1)",
        "2.000 at first, 1.500 at last",
        "MRR 0.500  (8 queries)",
        "reading 1.0  training 2.5  all 3.5",
        "stores/[mine]",
    ):
        assert part in text
    assert "alignment loss" not in text


def test_what_is_left_out_is_listed_up_to_a_few_of_each_kind() -> None:
    problems = pa.table({"problem": pa.array(["a.png: damaged", None, "b.png: gone"], pa.string())})
    manifest = {"skipped": [f"x.nt:{line}: bad" for line in range(7)], "counts": {"skipped": 12_345}}
    assert left_out(manifest, problems, most=1) == [
        "left out: x.nt:0: bad",
        "left out: 12,344 more (see manifest.json)",
        "left out: a.png: damaged",
        "left out: 1 more (see observations.parquet)",
    ]
    assert left_out({"skipped": [], "counts": {"skipped": 0}}, problems.slice(1, 1)) == []


def test_hits_say_why_or_that_there_is_no_reason() -> None:
    path = [("urn:a", "urn:r#near", "urn:b")]
    hits = [
        Hit("urn:a", "A", 2.0, {"joint": 0.5}, [], anchor=True),
        Hit("urn:b", "B", 1.0, {"joint": 0.25, "text": 0.75}, path),
        Hit("urn:c", "C", 0.5, {}, []),
    ]
    text = printed(hits_table("what", hits, {"urn:a": "A", "urn:b": "B"}, ["urn:a"]))
    assert "named or shown in the question" in text
    assert "A -near-> B" in text
    assert "no short chain of facts" in text
    assert "text 0.75" in text
    assert "the question names nothing" in printed(hits_table("what", hits[2:], {}, []))


def test_bars_name_their_stage_and_an_unknown_total_is_no_error() -> None:
    console = Console(file=StringIO(), width=120)
    with bars(console) as progress:
        progress("rdf", 10, 0)
        progress("image", 1, 2)
        progress("image", 2, 2)
        progress("split 1, links", 1, 1)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "reading RDF" in text
    assert "encoding pictures" in text
    assert "2/2" in text
    assert "split 1, links" in text
