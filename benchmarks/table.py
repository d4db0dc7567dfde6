"""Write the README's performance table from what the benchmarks left.

python -m benchmarks.table
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS

README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- benchmarks:start -->\n", "<!-- benchmarks:end -->\n"
NAMES = (
    "loading",
    "attention",
    "scaling",
    "sampling",
    "links",
    "rules",
    "search",
    "query",
    "encoding",
    "appliances",
    "phantom_places",
    "fusions",
    "groceries",
    "suggestions",
    "machines",
    "reasoning",
    "faithfulness",
    "negation",
    "priors",
    "startup",
)


def table(results: Path = RESULTS) -> str:
    """The table in Markdown, a row for each claim, in the order of NAMES."""
    lines = ["| work | ours | rival or limit | ratio | target | |", "|---|---|---|---|---|---|"]
    for name in NAMES:
        if (path := results / f"{name}.json").is_file():
            rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
            lines += [_line(row) for row in rows]
    return "\n".join(lines) + "\n"


def _line(row: dict[str, Any]) -> str:
    figures = (f"{figure(row[key])} {row['unit']}".strip() for key in ("ours", "rival"))
    verdict = "holds" if row["holds"] else "**missed**"
    cells = (row["benchmark"], *figures, figure(row["ratio"]), row["target"], verdict)
    return f"| {' | '.join(cells)} |"


def figure(value: float) -> str:
    """Three significant digits, as a person writes them."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def written(readme: str, content: str) -> str:
    """The README with the table in its place.

    Raises:
        ValueError: if the README does not mark the place.
    """
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"expected {START.strip()} and {END.strip()} in the README (got neither or one)")
    return before + start + content + end + after


def main() -> int:
    """Rewrite the table."""
    README.write_text(written(README.read_text(encoding="utf-8"), table()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
