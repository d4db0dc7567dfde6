"""Training by several processes that torchrun has started: what each computes, and where all must agree.

    torchrun --nproc-per-node 2 -m pipelines.build_kg my.ttl --out my_store

Every process runs the same lines on the same data. Of each step a process computes a `share`; what the shares
give is `gathered` (or `summed`), and the gradients are `averaged`, so that a step is that of one process with
the whole batch, and all hold the same weights. What is drawn at random for a whole step is `agreed`; dropout
is each process's own. Only the first writes. In one process everything here does nothing, to the bit.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

PATIENCE = timedelta(days=1)
"""How long a process waits for another that lives, such as for the first while it encodes."""


class LostError(ValueError):
    """Another process has ended, or this one is told to."""


class DisagreementError(ValueError):
    """The processes were given different data."""


@contextmanager
def together() -> Iterator[None]:
    """Join the other processes, if torchrun (or whoever sets its variables) has started several.

    Raises:
        LostError: another one ends meanwhile.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or dist.is_initialized():
        yield
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    before = None
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, _told_to_end)
    try:
        with _lost_is_told():
            dist.init_process_group(backend, timeout=PATIENCE)
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        if dist.is_initialized():
            dist.destroy_process_group()  # who waits for this one learns of it


def count() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is."""
    return dist.get_rank() if dist.is_initialized() else 0


def leads() -> bool:
    """Whether this is the first process, which writes."""
    return rank() == 0


@contextmanager
def first() -> Iterator[None]:
    """Let the first process do a block before the others, which find what it has left on the disk."""
    if not leads():
        wait()
    yield
    if leads():
        wait()


def wait() -> None:
    """Wait until all processes are here."""
    if count() > 1:
        _reduce(torch.zeros(1))


def own_gpu() -> str:
    """The GPU of this process: each of a machine has one of its own.

    Raises:
        ValueError: there are fewer.
    """
    place, there = int(os.environ.get("LOCAL_RANK", rank())), torch.cuda.device_count()
    if place >= there:
        raise ValueError(
            f"expected a GPU for each process of a machine (got {there} for {place + 1} or more): "
            "start fewer, or use --device cpu"
        )
    torch.cuda.set_device(place)
    return f"cuda:{place}"


def same(ask: Callable[[], Mapping[str, str]]) -> None:
    """Compare what all processes must have alike, if there are several: a text for each name.

    Raises:
        DisagreementError: one has another text; in all processes, with the same sentence.
    """
    if count() == 1:
        return
    what = ask()
    own = b"".join(hashlib.sha256(text.encode()).digest() for text in what.values())
    found = torch.zeros(count(), len(what), 32, dtype=torch.uint8)
    found[rank()] = torch.frombuffer(bytearray(own), dtype=torch.uint8).view(-1, 32)
    _reduce(found)
    other = (found != found[0]).any(2)
    for place, name in enumerate(what):
        if strangers := other[:, place].nonzero().squeeze(1).tolist():
            shown = ", ".join(map(str, strangers))
            raise DisagreementError(
                f"expected all {count()} processes to have the same {name} (got others in "
                f"{'process' if len(strangers) == 1 else 'processes'} {shown} than in process 0): "
                "start them with the same command, on files that all of them share"
            )


def agreed(tensor: Tensor) -> Tensor:
    """The tensor as the first process has it."""
    if count() == 1 or not tensor.numel():
        return tensor
    whole = tensor.detach().clone(memory_format=torch.contiguous_format)
    with _lost_is_told():
        dist.broadcast(whole.view(-1).view(torch.uint8), 0)
    return whole


def agreed_number(value: float) -> float:
    """The number as the first process has it."""
    return float(agreed(torch.tensor(value, dtype=torch.float64)))


@torch.no_grad()
def agree(model: nn.Module) -> None:
    """Give the model the state that it has in the first process."""
    if count() > 1:
        for value in model.state_dict().values():
            value.copy_(agreed(value))


def draw_apart(turn: int) -> None:
    """Let each process but the first draw its own random numbers from here on, others at another turn."""
    if not leads():
        torch.manual_seed(torch.initial_seed() + rank() + 1_000_003 * turn)


def share(total: int) -> slice:
    """Which of so many rows this process computes: all of them, where there are fewer than processes."""
    if sharers(total) == 1:
        return slice(0, total)
    return slice(total * rank() // count(), total * (rank() + 1) // count())


def sharers(total: int) -> int:
    """How many processes share so many rows."""
    return count() if total >= count() else 1


def gathered(rows: Tensor, total: int) -> Tensor:
    """All rows, of which each process gives its `share`; can be differentiated."""
    if sharers(total) == 1:
        return rows
    part = share(total)
    before, after = (rows.new_zeros(size, *rows.shape[1:]) for size in (part.start, total - part.stop))
    return summed(torch.cat([before, rows, after]))


def summed(part: Tensor) -> Tensor:
    """The sum over the processes; so is its gradient, so that their losses may differ."""
    if count() == 1:
        return part
    whole: Tensor = _Sum.apply(part)
    return whole


def averaged(model: nn.Module, loss: Tensor) -> float:
    """Set the model's gradients to their means over the processes; the mean of the loss.

    A parameter that is without a gradient everywhere stays so.
    """
    if count() == 1:
        return float(loss.detach())
    dense = []
    for weight in model.parameters():
        if weight.grad is not None and weight.grad.is_sparse:
            weight.grad = _sparse_mean(weight.grad)
        elif weight.requires_grad:
            dense.append(weight)
    there = loss.new_tensor([float(weight.grad is not None) for weight in dense])
    parts = [weight.new_zeros(weight.numel()) if weight.grad is None else weight.grad for weight in dense]
    flat = torch.cat([loss.detach().view(1), there, *(part.reshape(-1) for part in parts)])
    _reduce(flat)
    flat /= count()
    mean, there, *means = flat.split([1, len(dense), *(weight.numel() for weight in dense)])
    for weight, known, gradient in zip(dense, there.tolist(), means, strict=True):
        if known:
            weight.grad = gradient.view_as(weight)
    return float(mean)


def _sparse_mean(gradient: Tensor) -> Tensor:
    """The mean of sparse gradients: each process has other rows. Gloo sums them, which works on the CPU."""
    whole = gradient.coalesce().cpu()
    _reduce(whole)
    return (whole / count()).to(gradient.device)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, part: Tensor) -> Tensor:
        whole = part.clone(memory_format=torch.contiguous_format)
        _reduce(whole)
        return whole

    @staticmethod
    def backward(context: Any, slope: Tensor) -> Tensor:
        whole = slope.clone(memory_format=torch.contiguous_format)
        _reduce(whole)
        return whole


def _reduce(tensor: Tensor) -> None:
    with _lost_is_told():
        dist.all_reduce(tensor)


@contextmanager
def _lost_is_told() -> Iterator[None]:
    """What the back end says when another process has gone, in one sentence."""
    try:
        yield
    except RuntimeError as error:
        raise LostError(
            f"expected all {os.environ['WORLD_SIZE']} processes to go on (another one ended, and says why "
            "where it could): the same command continues from what was kept"
        ) from error


def _told_to_end(*_: object) -> None:
    raise LostError(
        "expected to go on (this process was told to end, as torchrun does when another one has ended): "
        "the same command continues from what was kept"
    )
