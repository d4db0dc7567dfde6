"""Appliances (PLAID): which of 11 kinds drew this current, by our series encoder and by a random forest.

python -m benchmarks.appliances [--quick]

The published split of 537 recordings each, from the sktime wheel. Our encoder is fitted to nothing; a linear
model or a support vector machine reads its rows, the forest reads plain statistics of the readings. Both are
chosen by five-fold cross-validation inside the training part, under each seed; the test part is opened once
for each seed, with what was chosen. The seed shuffles the folds, draws the forest, and names the channel, by
which our encoder hashes.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.measure import Row, at_least, parser, report
from encoders import encode_cached, make_encoder
from pipelines.training.deviation import deviation, deviation_said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SEEDS = 3
TARGET = 0.92


@dataclass(frozen=True)
class Part:
    """Recordings of one part of the split, each of its own length, and the kind of each."""

    recordings: list[Floats]
    kinds: NDArray[np.str_]


def read_part(name: str, part: str) -> Part:
    """A part of a univariate set as the sktime wheel carries it; sktime itself is not imported.

    Raises:
        SystemExit: the wheel is not installed.
    """
    spec = importlib.util.find_spec("sktime")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("expected the package sktime, which carries the data: pip install '.[bench]'")
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name
    text = (folder / f"{name}_{part}.ts").read_text(encoding="utf-8-sig")
    lines = text[text.lower().index("@data") :].splitlines()[1:]
    rows = [line.rpartition(":") for line in lines if line.strip()]
    recordings = [np.array(values.split(","), dtype=np.float64) for values, _, _ in rows]
    return Part(recordings, np.array([kind.strip() for _, _, kind in rows]))


def our_rows(recordings: Sequence[Floats], seed: int) -> Floats:
    """Rows of the encoder, by the road that users take: files in, features out."""
    encoder = make_encoder("series")
    with tempfile.TemporaryDirectory() as place:
        paths: list[str | Path] = []
        for number, values in enumerate(recordings):
            paths.append(Path(place) / f"{number}.csv")
            np.savetxt(paths[-1], values, header=f"current {seed}", comments="", fmt="%.17g")
        encoded = encode_cached(encoder, paths, None)
    if encoded.problems:
        raise SystemExit(f"expected rows of all recordings (got {encoded.problems[0][1]})")
    return encoded.features.double().numpy()


def statistics_of(recordings: Sequence[Floats]) -> Floats:
    """What the forest reads: level, spread, quantiles, steps, octaves, memory, as plain numbers."""
    return np.array([_statistics(values) for values in recordings])


def _statistics(values: Floats) -> Floats:
    step, centred = np.diff(values), values - values.mean()
    power = np.abs(np.fft.rfft(centred))[1:] ** 2
    octaves = np.array([part.sum() for part in np.array_split(power, 8)]) / max(power.sum(), 1e-12)
    lags = (1, 2, 3, 5, 8, 13, 21, 34)
    variance = max((centred**2).sum(), 1e-12)
    memory = [centred[:-lag] @ centred[lag:] / variance for lag in lags]
    pieces = np.array_split(values, 8)
    quantiles = np.quantile(values, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
    moments = [values.mean(), values.std(), np.abs(step).mean(), step.std(), step.max(), step.min()]
    means, deviations = [piece.mean() for piece in pieces], [piece.std() for piece in pieces]
    return np.array([*moments, *quantiles, *octaves, *memory, *means, *deviations, len(values)])


def our_models(seed: int) -> Iterator[tuple[str, Any]]:
    """What may read our rows; validation chooses."""
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.svm import SVC

    for alpha in (0.003, 0.01, 0.03, 0.1):
        yield f"ridge {alpha:g}", RidgeClassifier(alpha=alpha)
    for strength in (30, 100, 300):
        yield f"logistic {strength}", LogisticRegression(C=strength, max_iter=1000, random_state=seed)
    for strength in (3, 10, 30):
        for width in (1, 3):
            yield f"support vectors {strength} {width}", SVC(C=strength, gamma=width)


def forests(seed: int) -> Iterator[tuple[str, Any]]:
    """The rival's settings; validation chooses."""
    from sklearn.ensemble import RandomForestClassifier

    for share in ("sqrt", 0.3):
        for leaf in (1, 2):
            yield (
                f"forest {share} {leaf}",
                RandomForestClassifier(500, max_features=share, min_samples_leaf=leaf, random_state=seed),
            )


def score(
    models: Iterator[tuple[str, Any]], train: Floats, test: Floats, parts: tuple[Part, Part], seed: int
) -> dict[str, Any]:
    """Choose by cross-validation inside the training part, then open the test part once."""
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    candidates = list(models)
    validated = [cross_val_score(model, train, parts[0].kinds, cv=folds).mean() for _, model in candidates]
    best = int(np.argmax(validated))
    name, model = candidates[best]
    accuracy = float((model.fit(train, parts[0].kinds).predict(test) == parts[1].kinds).mean())
    return {"chosen": name, "validation": float(validated[best]), "test": accuracy}


def compare(seeds: int) -> tuple[list[Row], dict[str, Any]]:
    """Both sides under each seed."""
    parts = read_part("PLAID", "TRAIN"), read_part("PLAID", "TEST")
    plain = [statistics_of(part.recordings) for part in parts]
    ours, rival = [], []
    for seed in range(seeds):
        train, test = (our_rows(part.recordings, seed) for part in parts)
        ours.append(score(our_models(seed), train, test, parts, seed))
        rival.append(score(forests(seed), plain[0], plain[1], parts, seed))
    us, them = ([found["test"] for found in side] for side in (ours, rival))
    mean, other = statistics.fmean(us), statistics.fmean(them)
    spread = deviation_said(deviation(us))
    if len(them) > 1:
        spread += f", the forest's {statistics.stdev(them):.3f}"
    what = f"appliances (PLAID), test accuracy, mean of {seeds} seeds ({spread})"
    rows = [
        at_least(f"{what}, against the target", mean, TARGET, unit=""),
        Row(
            f"{what}, against a random forest",
            "",
            mean,
            other,
            mean / other,
            "ours / rival > 1",
            mean > other,
        ),
    ]
    return rows, {"ours": ours, "random forest": rival}


def main() -> int:
    """Parse, score, report."""
    asked = parser("Kinds of appliances by their current.").parse_args()
    warnings.simplefilter("ignore")  # scikit-learn about solvers that stop early
    rows, details = compare(1 if asked.quick else SEEDS)
    return report("appliances", rows, quick=asked.quick, details=details)


if __name__ == "__main__":
    sys.exit(main())
