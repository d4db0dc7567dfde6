"""Write the README's performance table, and the page of all results, from what the benchmarks left.

python -m benchmarks.table
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS

README = Path(__file__).parents[1] / "README.md"
PAGE = Path(__file__).with_name("README.md")
START, END = "<!-- benchmarks:start -->\n", "<!-- benchmarks:end -->\n"
SPEED = (
    "loading",
    "attention",
    "scaling",
    "entities",
    "sampling",
    "links",
    "rules",
    "reasoning",
    "search",
    "query",
    "encoding",
    "serving",
    "scale_out",
    "page",
    "startup",
)
QUALITY = (
    "appliances",
    "phantom_places",
    "fusions",
    "groceries",
    "grocery_search",
    "suggestions",
    "machines",
    "mmkg",
    "mmkg_attention",
    "mmkg_rivals",
    "sense_links",
    "faithfulness",
    "negation",
    "serving_fuzz",
    "priors",
    "retrieval",
    "ablation",
)


def table(names: Sequence[str] = SPEED, results: Path = RESULTS) -> str:
    """The table in Markdown, a row for each claim, in the order of the names."""
    lines = ["| work | ours | rival or limit | ratio | target | |", "|---|---|---|---|---|---|"]
    for name in names:
        if (found := _result(name, results)) is not None:
            lines += [_line(row) for row in found["rows"]]
    return "\n".join(lines) + "\n"


def page(names: Sequence[str] = SPEED + QUALITY, results: Path = RESULTS) -> str:
    """A section for each script: what it does, its command, where its figures come from, its rows."""
    parts = []
    for name in names:
        said = _docstring(name).split("\n\n")
        command = next(one for one in said if one.startswith("python -m"))
        found = _result(name, results)
        parts.append(f"## {name}\n\n    {command}\n")
        parts += [f"{paragraph}\n" for paragraph in said if paragraph != command]
        if found is None:
            parts.append("No whole run has been kept yet.\n")
        else:
            parts.append(f"{_origin(found['machine'])}\n")
            parts.append(table([name], results))
    return "\n".join(parts)


def _docstring(name: str) -> str:
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


def _result(name: str, results: Path) -> dict[str, Any] | None:
    path = results / f"{name}.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _origin(machine: dict[str, Any]) -> str:
    """When, on what and by which code."""
    when = [machine["date"]] if "date" in machine else []
    commit = [f"commit {machine['commit']}"] if machine["commit"] else []
    packages = [f"{name} {version}" for name, version in machine["packages"].items()]
    said = [*when, *commit, f"{machine['cores']} cores", f"Python {machine['python']}", *packages]
    return f"Measured: {', '.join(said)}."


def _line(row: dict[str, Any]) -> str:
    figures = (f"{figure(row[key])} {row['unit']}".strip() for key in ("ours", "rival"))
    verdict = "holds" if row["holds"] else "**missed**"
    cells = (row["benchmark"], *figures, figure(row["ratio"]), row["target"], verdict)
    return f"| {' | '.join(cells)} |"


def figure(value: float) -> str:
    """Three significant digits, as a person writes them."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def written(readme: str, content: str) -> str:
    """A page with the generated part in its place.

    Raises:
        ValueError: if the page does not mark the place.
    """
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"expected {START.strip()} and {END.strip()} in the page (got neither or one)")
    return before + start + content + end + after


def main() -> int:
    """Rewrite the table and the page."""
    for file, content in ((README, table()), (PAGE, page())):
        file.write_text(written(file.read_text(encoding="utf-8"), content), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
