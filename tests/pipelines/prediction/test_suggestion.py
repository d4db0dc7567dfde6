"""Which labels to ask for next."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.prediction.suggestion import suggested


def test_the_least_sure_comes_first_and_its_twin_after_the_rest() -> None:
    probability = np.array([[0.5, 0.5], [0.51, 0.49], [0.7, 0.3], [1.0, 0.0]])
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    # 1 is all but as unsure as 0, and the same thing; 3 is sure
    assert suggested(probability, vectors, 2).tolist() == [0, 2]
    assert sorted(suggested(probability, vectors, 9).tolist()) == [0, 1, 2, 3]


def test_nothing_to_suggest_from_and_no_count() -> None:
    assert len(suggested(np.empty((0, 2)), np.empty((0, 3), np.float32), 3)) == 0
    with pytest.raises(ValueError, match="expected at least 1 suggestion"):
        suggested(np.ones((1, 2)) / 2, np.ones((1, 3), np.float32), 0)
