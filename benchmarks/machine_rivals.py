"""Rivals of the outlier detector, each as a score for every row of a run, in times of its own limit.

PCA T2 + Q and the convolutional autoencoder follow the settings that the SKAB leaderboard published; each
also lets the limit be multiplied, so that it can be chosen as ours is.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from benchmarks.machine_runs import FITTING, MachineRun


def t2q(run: MachineRun, variance: float = 0.85, confidence: float = 0.999, window: int = 5) -> np.ndarray:
    """The larger of T2 and Q (doi 10.1002/cem.800), each by its limit: trailing median over `window` rows."""
    values = run.values.numpy()
    centre, spread = values[:FITTING].mean(0), values[:FITTING].std(0)
    units = (values - centre) / np.where(spread > 0, spread, 1)
    eigenvalues, axes = np.linalg.eigh(np.cov(units[:FITTING].T))
    eigenvalues, axes = eigenvalues[::-1], axes[:, ::-1]
    kept = 1 + int(np.searchsorted(np.cumsum(eigenvalues) / eigenvalues.sum(), variance))
    inside = units @ axes[:, :kept]
    squared = (inside**2 / eigenvalues[:kept]).sum(1)
    error = ((units - inside @ axes[:, :kept].T) ** 2).sum(1)
    limit = kept * (FITTING**2 - 1) / (FITTING * (FITTING - kept))
    limit *= stats.f.ppf(confidence, kept, FITTING - kept)
    ratio = np.stack([squared / limit, error / _q_limit(eigenvalues[kept:], confidence)])
    padded = np.pad(ratio, ((0, 0), (window - 1, 0)), mode="edge")
    smooth: np.ndarray = np.median(np.lib.stride_tricks.sliding_window_view(padded, window, axis=1), axis=2)
    judged: np.ndarray = smooth.max(0)[FITTING:]
    return judged


def _q_limit(rest: np.ndarray, confidence: float) -> float:
    """Jackson and Mudholkar's limit of the squared prediction error, from the eigenvalues left out."""
    one, two, three = (float((rest**power).sum()) for power in (1, 2, 3))
    root = 1 - 2 * one * three / (3 * two**2)
    normal = float(stats.norm.ppf(confidence))
    inner = 1 + normal * root * np.sqrt(2 * two) / one + two * root * (root - 1) / one**2
    return float(one * inner ** (1 / root))


def forest(run: MachineRun, seed: int) -> np.ndarray:
    """Isolation forest (doi 10.1109/ICDM.2008.17), by its highest score among the fitting rows."""
    from sklearn.ensemble import IsolationForest

    values = run.values.numpy()
    model = IsolationForest(n_estimators=100, random_state=seed).fit(values[:FITTING])
    score = -model.score_samples(values)
    base = np.median(score[:FITTING])
    relative: np.ndarray = (score - base) / (score[:FITTING].max() - base)
    return relative[FITTING:]


def conv_autoencoder(
    runs: list[MachineRun], seed: int, epochs: int = 30, steps: int = 60
) -> list[np.ndarray]:
    """The leaderboard's convolutional autoencoder over windows of 60 rows, one for each run.

    All are trained side by side as groups of one convolution. Its early stopping is replaced by a fixed
    number of epochs. As published, a row is an outlier if all windows that begin in the 60 rows before it are
    above the limit, which looks 59 rows ahead, and the last rows of a run are never outliers.
    """
    torch.manual_seed(seed)
    units = [
        ((run.values - run.values[:FITTING].mean(0)) / run.values[:FITTING].std(0).clamp(min=1e-9)).float()
        for run in runs
    ]
    windows = [each.unfold(0, steps, 1) for each in units]  # (rows - 59, sensors, 60)
    fitting = torch.stack([each[: FITTING - steps + 1] for each in windows], dim=1)
    model = _grouped(len(runs), fitting.shape[2])
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(fitting)).split(32):
            optimiser.zero_grad()
            _error(model, fitting[batch]).mean().mul(len(runs)).backward()
            optimiser.step()
    model.eval()
    longest = max(len(each) for each in windows)
    with torch.no_grad():
        judged = torch.stack([_padded(each, longest) for each in windows], dim=1)
        errors = torch.cat([_error(model, batch).sum(-1) for batch in judged.split(64)])
    return [_published_rule(errors[: len(each), place], steps) for place, each in enumerate(windows)]


def _grouped(groups: int, sensors: int) -> nn.Sequential:
    """Published layers, a group for each run."""
    wide, narrow = 32 * groups, 16 * groups

    def doubled(inputs: int, outputs: int) -> nn.ConvTranspose1d:
        return nn.ConvTranspose1d(inputs, outputs, 7, 2, 3, output_padding=1, groups=groups)

    return nn.Sequential(
        nn.Conv1d(sensors * groups, wide, 7, 2, 3, groups=groups), nn.ReLU(), nn.Dropout(0.2),
        nn.Conv1d(wide, narrow, 7, 2, 3, groups=groups), nn.ReLU(),
        doubled(narrow, narrow), nn.ReLU(), nn.Dropout(0.2),
        doubled(narrow, wide), nn.ReLU(),
        nn.ConvTranspose1d(wide, sensors * groups, 7, 1, 3, groups=groups),
    )  # fmt: skip


def _error(model: nn.Module, windows: Tensor) -> Tensor:
    """Error over the window, ``(n, runs, sensors)``: squared in training and absolute after, as published."""
    found: Tensor = model(windows.flatten(1, 2)).view_as(windows)
    if model.training:
        return (found - windows).square().mean(-1)
    return (found - windows).abs().mean(-1)


def _padded(windows: Tensor, length: int) -> Tensor:
    missing = length - len(windows)
    return torch.cat([windows, windows.new_zeros(missing, *windows.shape[1:])]) if missing else windows


def _published_rule(error: Tensor, steps: int, quantile: float = 0.999) -> np.ndarray:
    """Row by row, by the limit: the lowest error of the windows that begin in the `steps` - 1 rows before."""
    limit = error[: FITTING - steps + 1].quantile(quantile) * 4 / 3
    lowest = error.unfold(0, steps - 1, 1).amin(-1)  # begins at row 0; belongs to row 59
    rows = len(error) + steps - 1
    score = np.zeros(rows)
    last = len(error) - steps + 1
    score[steps - 1 : last] = (lowest / limit).numpy()[: last - steps + 1]
    return score[FITTING:]
