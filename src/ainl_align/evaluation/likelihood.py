"""How likely adapters find known programs: one forward pass, and nothing is generated.

It takes a small part of the time of answering, for a pass reads all tokens at once. It says how far a model is from a
program, not whether what it writes works, so it may sort adapters and never counts as a score.
"""

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ainl_align.data.records import request_messages
from ainl_align.decoding.passes.stacked import Stack, read_adapter
from ainl_align.tasks.prompts import PromptRow
from ainl_align.training.encode import training_rows
from ainl_align.training.loss import SummedLoss
from ainl_align.training.packing import collate
from ainl_align.training.rows import IGNORED, Encoded

DECIDES = ("training", "decoding/passes", "data/records.py", "evaluation/likelihood.py")
"""Source files of the package that decide the losses, as of ``store.code_hash``."""
_TOKENS = {"cpu": 1024}
"""Tokens of a pass; elsewhere ``_MANY``."""
_MANY = 8192
_SAMPLE = 128
"""Tokens that show how far input channels reach."""


def known_programs(tokenizer: Any, rows: Sequence[PromptRow]) -> list[Encoded]:
    """The rows' gold programs after their requests, in the form of training; every row has a task."""
    chats = [
        [*request_messages(row.prompt), {"role": "assistant", "content": row.task.gold}]
        for row in rows
        if row.task is not None
    ]
    return [Encoded("gold", item["input_ids"], item["labels"]) for item in training_rows(tokenizer, chats)]


class Int8Losses:
    """Losses by the fused int8 passes of training on a CPU, over a copy of ``model`` that shares its weights.

    ``rank``: of the widest adapter to come. Raises ValueError for a model that those passes do not know.
    """

    def __init__(self, model: Any, rank: int) -> None:
        from peft import LoraConfig, get_peft_model

        from ainl_align.training.cpu.step import FusedLoss, obstacle

        copied = copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()})
        config = LoraConfig(r=rank, lora_alpha=rank, target_modules="all-linear", task_type="CAUSAL_LM")
        inner = get_peft_model(copied, config).base_model.model
        if reason := obstacle(inner):
            raise ValueError(reason)
        self.rank = rank
        self._layers = {name: module for name, module in inner.named_modules() if hasattr(module, "lora_A")}
        vocabulary = int(model.config.vocab_size)
        tokens = list(range(0, vocabulary, max(1, vocabulary // _SAMPLE)))[:_SAMPLE]
        # What shows the channels' reach is the same for all, so an adapter's losses depend on no other adapter.
        self._loss = FusedLoss(inner, SummedLoss(inner, "cpu"), collate([Encoded("sample", tokens, tokens)]))

    def __call__(self, adapter: Path, rows: Sequence[Encoded]) -> list[float]:
        """The negative log-likelihood of each row's labelled tokens, summed, in nats."""
        self._wear(adapter)
        with torch.inference_mode():
            return [loss for batch in _batches(rows, _TOKENS["cpu"]) for loss in self._loss.by_row(collate(batch))]

    def _wear(self, adapter: Path) -> None:
        pairs = read_adapter(adapter)
        if unknown := pairs.keys() - self._layers.keys():
            raise ValueError(f"the model has no layer {min(unknown)}")
        for name, layer in self._layers.items():
            for part in (layer.lora_A, layer.lora_B):
                part["default"].weight.data.zero_()
            if name in pairs:
                low, high = pairs[name]
                layer.lora_A["default"].weight.data[: low.shape[1]] = low.T
                layer.lora_B["default"].weight.data[:, : high.shape[0]] = high.T


def rank_of(adapter: Path) -> int:
    """The rank of an adapter's matrices."""
    return int(json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))["r"])


def stacked_losses(model: Any, stack: Stack, slot: int, rows: Sequence[Encoded]) -> list[float]:
    """The same by the model's own forward pass, whatever its architecture, under one adapter of a stack."""
    found = []
    device = model.get_input_embeddings().weight.device
    with torch.inference_mode(), stack.attached():
        for batch in _batches(rows, _TOKENS.get(device.type, _MANY)):
            width = max(len(row.ids) for row in batch)
            ids = _padded([row.ids for row in batch], width, 0)
            labels = _padded([row.labels for row in batch], width, IGNORED)
            stack.wear([slot] * ids.numel())
            seen = _padded([[1] * len(row.ids) for row in batch], width, 0)
            logits = model(input_ids=ids.to(device), attention_mask=seen.to(device), use_cache=False).logits[:, :-1]
            wanted = labels[:, 1:].to(device)
            scored = wanted != IGNORED
            losses = torch.zeros(wanted.shape, device=device)
            losses[scored] = F.cross_entropy(logits[scored].float(), wanted[scored], reduction="none")
            found += losses.sum(1, dtype=torch.float64).tolist()
    return found


def _batches(rows: Sequence[Encoded], tokens: int) -> list[list[Encoded]]:
    """The rows in their order, as many together as make up ``tokens`` when they are as long as the longest."""
    batches: list[list[Encoded]] = []
    widest = 0
    for row in rows:
        widest = max(widest, len(row.ids))
        if not batches or widest * (len(batches[-1]) + 1) > tokens:
            batches.append([])
            widest = len(row.ids)
        batches[-1].append(row)
    return batches


def _padded(rows: Sequence[list[int]], width: int, value: int) -> Tensor:
    return torch.tensor([[*row, *[value] * (width - len(row))] for row in rows])
