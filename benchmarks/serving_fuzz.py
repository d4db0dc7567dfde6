"""Requests that nobody would make, from the service's own description: no failure, no traceback.

python -m benchmarks.serving_fuzz --store stores/demo

schemathesis makes them, half in the shapes that OpenAPI allows and half not, and sends them to a process.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.measure import Row, parser, report
from benchmarks.serving_load import served

COUNT, QUICK_COUNT = 10_000, 300
"""Requests of a whole run and of a quick one."""
OPERATIONS = 11
"""Of the service that take something; what takes nothing cannot be asked wrongly."""
LONGEST = 60_000
"""Octets of an address that the server reads to its end."""


def fuzz(address: str, examples: int, seed: int = 0) -> Counter[str]:
    """Send requests to each operation.

    Args:
        address: of the service.
        examples: requests to each operation.
        seed: of what is sent.

    Returns:
        Answers by operation and status, such as ``POST /search 422``; those with a traceback are of status 0.
    """
    import hypothesis
    import requests
    import schemathesis

    found: Counter[str] = Counter()
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    bounds = hypothesis.settings(
        max_examples=max(1, examples // 2),
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    found_operations: list[Any] = list(schema.get_all_operations())
    for operation in [one.ok() for one in found_operations]:
        name = f"{operation.method.upper()} {operation.path}"

        def ask(case: Any, name: str = name) -> None:
            try:
                answer = case.call(base_url=address)
            except requests.RequestException:
                query = case.as_transport_kwargs(base_url=address).get("params") or {}
                if len(urlencode(query, doseq=True)) < LONGEST:
                    raise
                status = 414  # the server closes before it has read such an address
            else:
                status = 0 if "Traceback" in answer.text else answer.status_code
            found[f"{name} {status}"] += 1

        for mode in modes:
            try:
                cases = operation.as_strategy(generation_mode=mode)
                hypothesis.seed(seed)(bounds(hypothesis.given(case=cases)(_once(ask))))()
            except hypothesis.errors.Unsatisfiable:  # an operation that takes nothing cannot be asked wrongly
                continue
    return found


def _once(ask: Callable[[Any], None]) -> Callable[..., None]:
    def asked(case: Any) -> None:
        ask(case)

    return asked


def failures(found: Counter[str]) -> int:
    """How many answers were failures of the service."""
    statuses = ((int(name.split()[-1]), count) for name, count in found.items())
    return sum(count for status, count in statuses if status == 0 or status >= 500)


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, count, report."""
    flags_of = parser(__doc__.split("\n")[0])
    flags_of.add_argument("--store", type=Path, default=Path("stores/demo"), help="the store (stores/demo)")
    flags = flags_of.parse_args(argv)
    count = QUICK_COUNT if flags.quick else COUNT
    try:
        with served(flags.store) as (_, address):
            found = fuzz(address, -(-count // OPERATIONS))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    failed = failures(found)
    row = Row(
        f"service: {found.total():,} fuzzed requests, failures",
        "",
        failed,
        0,
        failed,
        "ours = 0",
        failed == 0,
    )
    details = {"store": flags.store.name, "answers": dict(sorted(found.items()))}
    print(json.dumps(details))
    return report("serving_fuzz", [row], quick=flags.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
