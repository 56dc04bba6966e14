"""Answers and likelihoods from one process, or from one process a device that each take a share."""

import io
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Protocol, Self

from ainl_align.evaluation.answer import Answer, AnswerSettings, Done, Job, answer
from ainl_align.evaluation.models import Wardrobe
from ainl_align.progress import Progress
from ainl_align.training.base import BaseModel
from ainl_align.training.checkpoints import Adapter
from ainl_align.training.rows import Encoded


@dataclass(frozen=True)
class Task:
    """Jobs for adapters: one adapter merged into the base (``stacked`` is None), or all of them stacked over the base
    in the quantisation ``stacked``, where each job's slot names one of them."""

    adapters: tuple[Adapter, ...]
    stacked: str | None
    answering: AnswerSettings
    label: str


@dataclass(frozen=True)
class Scales:
    """How likelihoods are computed: over the base in ``quantization``; ``fused``: in int8 by training's passes where
    there are such."""

    quantization: str
    fused: bool


class Asker(Protocol):
    """Who answers, and who weighs known programs."""

    def ask(self, task: Task, jobs: Sequence[Job], done: Done) -> list[Answer]:
        """Answer the jobs, telling ``done`` each answer as it comes."""
        ...

    def weigh(
        self, scales: Scales, adapters: Sequence[Adapter], programs: Sequence[Encoded], label: str
    ) -> list[list[float]]:
        """By adapter and program: the program's negative log-likelihood in nats."""
        ...


class Alone:
    """Answers in this process."""

    def __init__(self, wardrobe: Wardrobe, progress: Progress) -> None:
        self._wardrobe = wardrobe
        self._progress = progress

    def ask(self, task: Task, jobs: Sequence[Job], done: Done) -> list[Answer]:
        """Answer the jobs; ``done`` is told each answer as it comes."""
        return _answer(self._wardrobe, task, jobs, self._progress, done)

    def weigh(
        self, scales: Scales, adapters: Sequence[Adapter], programs: Sequence[Encoded], label: str
    ) -> list[list[float]]:
        """By adapter and program: the program's negative log-likelihood in nats."""
        with self._progress.task(label, total=len(adapters), unit="checkpoints") as shown:
            found = []
            for losses in self._wardrobe.losses(adapters, programs, scales.quantization, scales.fused):
                found.append(losses)
                shown.advance()
        return found


def _answer(wardrobe: Wardrobe, task: Task, jobs: Sequence[Job], progress: Progress, done: Done) -> list[Answer]:
    if task.stacked is not None:
        engine = wardrobe.stacked(task.adapters, task.stacked)
        return answer(engine, wardrobe.tokenizer, jobs, task.answering, progress, task.label, done)
    with wardrobe.wearing(task.adapters[0]) as engine:
        return answer(engine, wardrobe.tokenizer, jobs, task.answering, progress, task.label, done)


class Workers:
    """Answers in ``count`` processes, each with the base on a device of its own (on a CPU: with its share of cores).

    Leave it with ``with``: the processes end with the block.
    """

    def __init__(self, base: BaseModel, device: str, quantization: str, count: int, progress: Progress) -> None:
        context = multiprocessing.get_context("spawn")
        threads = max(1, (os.cpu_count() or 1) // count)
        self._progress = progress
        self._pools = [
            ProcessPoolExecutor(1, context, _start, (base, device, quantization, number, threads))
            for number in range(count)
        ]

    def ask(self, task: Task, jobs: Sequence[Job], done: Done) -> list[Answer]:
        """Answer the jobs, every process a share; ``done`` is told a share's answers when the share is complete."""
        # Neighbouring jobs are alike in length, so each process takes every so-many-th.
        shares = [range(number, len(jobs), len(self._pools)) for number in range(len(self._pools))]
        futures = {
            pool.submit(_work, task, [jobs[place] for place in share]): share
            for pool, share in zip(self._pools, shares, strict=True)
            if share
        }
        answers: dict[int, Answer] = {}
        with self._progress.task(task.label, total=len(jobs), unit="programs") as shown:
            for future in as_completed(futures):
                for place, item in zip(futures[future], future.result(), strict=True):
                    answers[place] = item
                    done(jobs[place], item)
                shown.advance(len(futures[future]))
        return [answers[place] for place in range(len(jobs))]

    def weigh(
        self, scales: Scales, adapters: Sequence[Adapter], programs: Sequence[Encoded], label: str
    ) -> list[list[float]]:
        """By adapter and program: the program's negative log-likelihood in nats; every process has a share of the
        adapters."""
        shares = [adapters[number :: len(self._pools)] for number in range(len(self._pools))]
        futures = [
            pool.submit(_weigh, scales, share, programs) for pool, share in zip(self._pools, shares, strict=True)
        ]
        found: list[list[float]] = [[] for _ in adapters]
        with self._progress.task(label, total=len(adapters), unit="checkpoints") as shown:
            for number, future in enumerate(futures):
                found[number :: len(self._pools)] = future.result()
                shown.advance(len(shares[number]))
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools:
            pool.shutdown(wait=error is None, cancel_futures=True)


@dataclass(frozen=True)
class _Place:
    base: BaseModel
    device: str
    quantization: str


_HERE: list[_Place] = []
"""In a worker process: what it was started for."""
_QUIET = Progress(io.StringIO())
"""The parent shows the progress."""


def _start(base: BaseModel, device: str, quantization: str, number: int, threads: int) -> None:
    import torch

    if device == "cuda":
        torch.cuda.set_device(number)
    if device == "cpu":
        torch.set_num_threads(threads)
    _HERE.append(_Place(base, device, quantization))


@cache
def _wardrobe(place: _Place) -> Wardrobe:
    return Wardrobe(place.base, place.device, place.quantization, _QUIET)


def _weigh(scales: Scales, adapters: Sequence[Adapter], programs: Sequence[Encoded]) -> list[list[float]]:
    return list(_wardrobe(_HERE[0]).losses(adapters, programs, scales.quantization, scales.fused))


def _work(task: Task, jobs: Sequence[Job]) -> list[Answer]:
    return _answer(_wardrobe(_HERE[0]), task, jobs, _QUIET, lambda job, item: None)
