"""How good predicted classes are, by scikit-learn's measures."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10


def label_scores(probability: NDArray[np.float64], classes: NDArray[np.int64]) -> dict[str, float]:
    """Accuracy, precision, recall, F1 (macro and micro), AUROC and calibration error.

    AUROC is the macro mean of one class against the rest, over the classes that are met; NaN where only one
    is. The calibration error is the expected one, over ten bins of confidence (arXiv 1706.04599).

    Shapes: ``probability (m, c)``, ``classes (m,)``.

    Raises:
        ValueError: if there is nothing to score.
    """
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    if not len(classes):
        raise ValueError("expected labels to score (got none)")
    chosen = probability.argmax(1)
    scores = {"accuracy": float(accuracy_score(classes, chosen))}
    met = np.unique(classes)
    for average in ("macro", "micro"):
        precision, recall, f1, _ = precision_recall_fscore_support(
            classes, chosen, labels=met, average=average, zero_division=0
        )
        scores |= {f"precision {average}": float(precision), f"recall {average}": float(recall)}
        scores |= {f"F1 {average}": float(f1)}
    scores["AUROC"] = _auroc(probability, classes)
    scores["calibration error"] = calibration_error(probability, classes)
    scores["queries"] = float(len(classes))
    return scores


def confusion(probability: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each class (row) was taken for which (column): ``(c, c)``."""
    from sklearn.metrics import confusion_matrix

    table: NDArray[Any] = confusion_matrix(
        classes, probability.argmax(1), labels=np.arange(probability.shape[1])
    )
    return table.astype(np.int64)


def calibration_error(probability: NDArray[np.float64], classes: NDArray[np.int64]) -> float:
    """Mean distance of confidence to accuracy, over bins of confidence, weighted by their size."""
    confidence, right = probability.max(1), probability.argmax(1) == classes
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in np.unique(bins)]
    return float(sum(gaps) / len(classes))


def _auroc(probability: NDArray[np.float64], classes: NDArray[np.int64]) -> float:
    from sklearn.metrics import roc_auc_score

    met = np.unique(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one class against the rest may lack either: it is left out
        areas = [roc_auc_score(classes == label, probability[:, label]) for label in met if len(met) > 1]
    return float(np.nanmean(areas)) if areas else float("nan")
