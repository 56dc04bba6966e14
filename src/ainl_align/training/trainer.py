"""The training loop: one for CPUs, GPUs and several processes.

TRL's trainer is the reference that benchmarks/train.py compares with. The loop is our own because what makes it fast
(rows laid end to end, one vector of adapter weights, no wait for the device in a step) and what makes it resumable
(order and learning rate as pure functions of the step, no pickled state) both stand at its centre.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ainl_align.errors import UserError
from ainl_align.progress import Progress, ProgressTask
from ainl_align.training import checkpoints, processes
from ainl_align.training.adapters import Adapters
from ainl_align.training.base import load_model
from ainl_align.training.capture import Replay
from ainl_align.training.loss import SummedLoss
from ainl_align.training.meter import Meter
from ainl_align.training.packing import Batch, Shape, Step, collate, fixed_shape, packed_steps
from ainl_align.training.plan import Plan
from ainl_align.training.regional import Regions, first_line
from ainl_align.training.resume import Keeper
from ainl_align.training.rows import IGNORED, Encoded
from ainl_align.training.start import Start, begin_from

_MAX_NORM = 1.0


def train_adapter(
    plan: Plan,
    tokenizer: Any,
    steps: Sequence[Step],
    train: Sequence[Encoded],
    held_out: Sequence[Encoded],
    keeper: Keeper,
    progress: Progress,
    start_from: Start | None = None,
) -> list[dict[str, float]]:
    """Train an adapter into the keeper's folder, going on from its newest checkpoint, else from ``start_from``.

    Returns one entry a log: step, loss or eval_loss.
    """
    here = processes.world()
    device = processes.join(here, plan.device)
    start = processes.from_leader(keeper.newest() if here.leads else 0, device)
    if start == plan.steps:
        losses = keeper.load(start)[1]
    else:
        with progress.task("train", plan.steps, "steps") as task:
            # A base that is to be spread is loaded outside the GPU, which might not hold it.
            place, dtype = "cpu" if plan.shard else device, getattr(torch, plan.precision)
            model = load_model(keeper.base, place, dtype=dtype, four_bit=plan.four_bit)
            loop = Loop(plan, model, steps, train, held_out, device, progress, start_from)
            if start:
                loop.load_state(start, *keeper.load(start))
                task.advance(start)

            def write(folder: Path) -> None:
                loop.adapters.save(folder)
                tokenizer.save_pretrained(folder)

            def save() -> None:
                if here.leads:
                    epoch = plan.epochs * loop.step / plan.steps
                    keeper.save(loop.step, write, loop.state(), loop.losses, epoch=epoch)

            loop.run(task, save)
            losses = loop.losses
    if here.leads:
        keeper.finish(_best(keeper.root) if plan.select_best_by_loss else plan.steps)
    processes.leave()
    return losses


def _best(root: Path) -> int:
    """The step of the checkpoint with the lowest validation loss."""
    scored = [(item.eval_loss, item.step) for item in checkpoints.checkpoints(root) if item.eval_loss is not None]
    if not scored:
        raise UserError("--select-best-by-loss needs validation rows; give --eval-data-path")
    return min(scored)[1] or 0


class Loop:
    """One run over ``steps``. ``model`` is the base; its layers are changed, so that it is of no use for anything else.

    What it has to remember between steps is ``state()`` and ``step``: nothing in training is random after the start.
    """

    def __init__(
        self,
        plan: Plan,
        model: Any,
        steps: Sequence[Step],
        train: Sequence[Encoded],
        held_out: Sequence[Encoded],
        device: str,
        progress: Progress,
        start: Start | None = None,
    ) -> None:
        self.plan = plan
        self.step = 0
        self.losses: list[dict[str, float]] = []
        self._steps = steps
        self._train = train
        self._device = device
        self._progress = progress
        self._world = processes.world()
        merge = not (plan.int8_base or plan.four_bit or plan.shard)
        adapted = with_adapter(model, plan)
        if start is not None:
            begin_from(adapted, start)
        self.adapters = Adapters(adapted, device, merge=merge)
        loss = SummedLoss(model, device)
        held_out_batches = _validation(held_out, plan)
        self._shape: Shape | None = None
        if plan.pack_tokens:
            batches = [[train[index] for index in batch] for step in steps for batch in step] + held_out_batches
            self._shape = fixed_shape(batches, plan.pack_tokens)
        compiled = plan.compiled and merge and self._shape is not None and loss.flash
        if plan.compiled and not compiled:
            progress.fallback(
                "the layers are not compiled: that takes packed rows and a whole bf16 base on a recent GPU"
            )
        self._regions = Regions(loss, compiled=compiled, recompute=plan.gradient_checkpointing)
        if plan.shard:
            processes.shard(loss, set(self.adapters.parameters), device)
        self._loss: Callable[[Batch], Tensor] = loss
        if plan.int8_base:
            from ainl_align.training.cpu.step import int8_loss

            self._loss = int8_loss(model, loss, collate(train[:4]), progress)
        # PEFT's own layers compute in the adapters' fp32; the merged ones need no casts.
        mixed = not merge and plan.precision == "bfloat16"
        self._mixed = torch.autocast(device.split(":")[0], torch.bfloat16) if mixed else contextlib.nullcontext()
        betas = (0.9, plan.beta2)
        self.optimizer = torch.optim.AdamW([self.adapters.weights], lr=0.0, betas=betas, weight_decay=0.0, fused=True)
        self._meter = Meter(len(steps), device)
        self._pass: Callable[[Batch], Tensor] = self._backward
        self._held_out = [collate(rows, self._shape).to(device) for rows in self._share(held_out_batches)]

    def run(self, task: ProgressTask, save: Callable[[], None]) -> None:
        """Train from ``self.step`` to the end; ``save`` is called where a checkpoint is due, the losses up to date."""
        plan = self.plan
        if self._regions.compiled:
            self._prepare()
        for batches in self._batches():
            self._advance(batches)
            task.advance()
            last = self.step == len(self._steps)
            evaluate = bool(self._held_out) and (last or self.step % plan.eval_steps == 0)
            due = last or self.step % plan.save_steps == 0
            self._log(task, flush=due)  # a training that goes on from here then logs the same means
            if evaluate:
                self.losses.append({"step": self.step, "eval_loss": self.evaluate()})
                task.advance(0, f"eval loss {self.losses[-1]['eval_loss']:.3f}")
            if due:
                save()

    def state(self) -> dict[str, Tensor]:
        """What training goes on from, beside ``step``: the adapters' weights and AdamW's moments, as fp32 vectors."""
        kept = self.optimizer.state[self.adapters.weights]
        return {"weights": self.adapters.weights.data, "exp_avg": kept["exp_avg"], "exp_avg_sq": kept["exp_avg_sq"]}

    def load_state(self, step: int, tensors: Mapping[str, Tensor], losses: list[dict[str, float]]) -> None:
        """Go on after ``step`` from what ``state()`` returned there; ``losses`` are those until then."""
        weights = self.adapters.weights
        weights.data.copy_(tensors["weights"])
        self.adapters.refresh()
        self.optimizer.state[weights] = {
            "step": torch.tensor(float(step), device=weights.device),
            **{name: tensors[name].to(weights.device, copy=True) for name in ("exp_avg", "exp_avg_sq")},
        }
        self.step = step
        self.losses = losses
        self._meter.skip(step)

    def evaluate(self) -> float:
        """Mean loss over the labelled tokens of the held-out rows."""
        # Compiled layers run as in training: a program for inference would have to be compiled too.
        with torch.set_grad_enabled(self._regions.compiled), self._mixed:
            total = torch.zeros((), device=self._device)
            for batch in self._held_out:
                total += self._loss(batch).detach()
        both = torch.stack([total.float(), total.new_tensor(float(sum(batch.labelled for batch in self._held_out)))])
        processes.add_up(both)
        return float(both[0] / both[1])

    def _advance(self, batches: Sequence[Batch]) -> None:
        """One optimiser step; nothing in it waits for the device."""
        gradients = self.adapters.gradients
        total = torch.zeros((), device=self._device)
        for batch in batches:
            total += self._pass(batch)
        if self._world.size > 1:
            sums = torch.cat([gradients, total[None]])
            processes.add_up(sums)
            gradients.copy_(sums[:-1])
            total = sums[-1]
        labelled = self._labelled(self._steps[self.step])
        norm = gradients.norm() / labelled
        gradients.mul_((_MAX_NORM / (norm + 1e-6)).clamp(max=1.0) / labelled)
        self.optimizer.param_groups[0]["lr"] = self.plan.learning_rate * rate_share(self.step, self.plan)
        self.optimizer.step()
        gradients.zero_()
        self.adapters.refresh()
        self._meter.put(self.step, total / labelled)
        self.step += 1

    def _backward(self, batch: Batch) -> Tensor:
        with self._mixed:
            loss: Tensor = self._loss(batch)
        loss.backward()
        return loss.detach()

    def _prepare(self) -> None:
        """Compile the layers and record the pass, leaving no trace in the weights."""
        rows = [self._train[index] for index in self._steps[self.step][0]]
        batch = collate(rows, self._shape).to(self._device)
        self._regions.first(functools.partial(self._backward, batch), self._progress)
        if self._regions.compiled:
            try:
                self._pass = Replay(self._backward, batch)
            except RuntimeError as error:
                self._progress.fallback(f"passes are not recorded ({first_line(error)}); training goes on, slower")
        self.adapters.gradients.zero_()

    def _batches(self) -> Iterator[list[Batch]]:
        """This process's batches of every step to come; the next step's are made while the device works."""

        def make(step: Step) -> list[Batch]:
            mine = self._share([[self._train[index] for index in rows] for rows in step])
            return [collate(rows, self._shape).to(self._device) for rows in mine]

        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(make, self._steps[self.step]) if self.step < len(self._steps) else None
            for step in range(self.step + 1, len(self._steps) + 1):
                assert ahead is not None
                batches = ahead.result()
                ahead = pool.submit(make, self._steps[step]) if step < len(self._steps) else None
                yield batches

    def _share(self, batches: Sequence[Sequence[Encoded]]) -> list[Sequence[Encoded]]:
        """This process's part of the batches of a step.

        A base that is spread needs all processes in every pass: who has a batch less computes one without labels.
        """
        mine = list(batches[self._world.rank :: self._world.size])
        if self.plan.shard and len(mine) * self._world.size < len(batches):
            mine.append([replace(row, labels=[IGNORED] * len(row.ids)) for row in batches[0]])
        return mine

    def _labelled(self, step: Step) -> int:
        return max(1, sum(self._train[index].labelled for batch in step for index in batch))

    def _log(self, task: ProgressTask, *, flush: bool) -> None:
        """Keep a loss every ``logging_steps`` steps, once the device has delivered them."""
        for step, loss in self._meter.take(self.plan.logging_steps, flush=flush):
            if not math.isfinite(loss):
                raise UserError(f"the loss is {loss} at step {step}; lower --learning-rate")
            self.losses.append({"step": step, "loss": loss})
            task.advance(0, f"loss {loss:.3f}")


def with_adapter(model: Any, plan: Plan) -> Any:
    """``model`` with a fresh LoRA adapter on every linear layer but the output head, as PEFT makes it."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(plan.seed)
    config = LoraConfig(
        r=plan.lora_rank,
        lora_alpha=plan.lora_alpha,
        target_modules="all-linear",
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def rate_share(step: int, plan: Plan) -> float:
    """The part of the peak learning rate at a step: linear warm-up over a twentieth, then half a cosine or a straight
    line down to 0."""
    warm = max(1, plan.steps // 20)
    if step < warm:
        return (step + 1) / warm
    gone = (step - warm) / (plan.steps - warm)
    return 1 - gone if plan.decay == "linear" else 0.5 + 0.5 * math.cos(math.pi * gone)


def _validation(rows: Sequence[Encoded], plan: Plan) -> list[list[Encoded]]:
    """The batches of the held-out rows, in the form of those that are trained on."""
    if not plan.pack_tokens:
        return [list(rows[at : at + plan.batch_size]) for at in range(0, len(rows), plan.batch_size)]
    if not rows:
        return []
    steps = packed_steps([len(row.ids) for row in rows], tokens=plan.pack_tokens, batches=1, epochs=1, seed=plan.seed)
    return [[rows[index] for index in batch] for step in steps for batch in step]
