"""Several LoRA adapters over one base in one batch: every token goes through the adapter that its row wears.

The base's weights are read once for all rows. The adapters' matrices are stacked by layer, and the tokens of each
adapter go through their own slice in one batched product (as S-LoRA does, Sheng et al. 2023). A row may also wear
nothing; then it gets what the bare base says.
"""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

_FEW = 3
"""With so few adapters in a pass each has its own products: reading the others would cost more than the calls."""
_PLAIN = {"use_dora": False, "bias": "none", "modules_to_save": None, "rank_pattern": {}, "alpha_pattern": {}}
"""Fields of an adapter's configuration, and the only values with which it is just a pair of matrices a layer."""


def stack_obstacle(folder: Path) -> str | None:
    """Why an adapter cannot be stacked (it is more than two matrices a layer); None when it can."""
    from safetensors import safe_open

    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    for field, value in _PLAIN.items():
        if (config.get(field) or value) != value:
            return f"its field '{field}' is {config[field]!r}"
    with safe_open(folder / "adapter_model.safetensors", framework="pt") as weights:
        odd = [name for name in weights.keys() if not name.endswith((".lora_A.weight", ".lora_B.weight"))]  # noqa: SIM118
    return f"it holds {odd[0]}" if odd else None


class Stack:
    """The adapters of several folders over one model. Slots number them; a slot whose folder is None is the base.

    Call ``wear`` with the slot of each token before a pass. ``model`` says precision, device and layers. ``dense``:
    every token goes through all adapters and all but its own are wiped out: more arithmetic, but the same few launches
    for any tokens, so that a pass can be a CUDA graph; default: everywhere but on CPUs.
    Raises ValueError for an adapter that names a layer that the model lacks.
    """

    def __init__(self, folders: Sequence[Path | None], model: Any, *, dense: bool | None = None) -> None:
        self._numbers = {slot: number for number, slot in enumerate(s for s, f in enumerate(folders) if f is not None)}
        embedding = model.get_input_embeddings().weight
        self._device = embedding.device
        self._pairs = _stacked([read_adapter(folder) for folder in folders if folder is not None], embedding)
        self._model = model
        unknown = self._pairs.keys() - {name for name, _ in model.named_modules()}
        if unknown:
            raise ValueError(f"the model has no layer {min(unknown)}")
        self._slices: list[tuple[int, Tensor]] = []
        self._places = self._valid = self._targets = torch.empty(0, dtype=torch.long)
        self._source: Tensor | None = None
        self._gathered = torch.empty(0)
        self._dense = self._device.type != "cpu" if dense is None else dense
        self._worn = torch.zeros((0, len(self._numbers)), dtype=embedding.dtype, device=self._device)

    def wear(self, slots: Sequence[int]) -> None:
        """Say which slot each token of the next pass belongs to, in their order; further tokens are the base's."""
        numbers = np.array([self._numbers.get(slot, -1) for slot in slots])
        if self._dense:
            self.reserve(len(numbers))
            worn = torch.from_numpy(numbers[:, None] == np.arange(len(self._numbers)))
            self._worn[: len(numbers)].copy_(worn)
            return
        groups = {number: np.flatnonzero(numbers == number) for number in np.unique(numbers).tolist() if number >= 0}
        self._source, self._slices = None, []
        self._places = torch.empty(0, dtype=torch.long)
        if len(groups) <= _FEW:
            self._slices = [(number, self._index(places)) for number, places in groups.items()]
            return
        most = max(map(len, groups.values()))
        places = np.zeros((len(self._numbers), most), dtype=np.int64)
        valid = np.zeros(places.shape, dtype=bool)
        for number, group in groups.items():
            places[number, : len(group)] = group
            valid[number, : len(group)] = True
        self._places = self._index(places)
        self._valid = self._index(np.flatnonzero(valid))
        self._targets = self._index(places[valid])

    def reserve(self, tokens: int) -> bool:
        """Make room for passes of so many tokens; whether what ``wear`` writes to has moved."""
        if tokens <= len(self._worn):
            return False
        self._worn = self._worn.new_zeros((tokens, self._worn.shape[1]))
        return True

    def _index(self, places: Any) -> Tensor:
        return torch.from_numpy(places).to(self._device)

    def add(self, layer: str, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Add to ``outputs``, (tokens, out), in place, what the adapters make of ``inputs``, (tokens, in)."""
        pair = self._pairs.get(layer)
        if pair is None:
            return outputs
        low, high = pair
        if self._dense:
            made = torch.einsum("ti,nir->tnr", inputs, low) * self._worn[: len(inputs), :, None]
            return outputs.add_(torch.einsum("tnr,nro->to", made, high))
        for number, places in self._slices:
            made = inputs[places] @ low[number] @ high[number]
            outputs.index_add_(0, places, made.to(outputs.dtype))
        if len(self._places):
            if self._source is not inputs:  # queries, keys and values read the same, and so do gate and up
                self._source, self._gathered = inputs, inputs[self._places]
            made = torch.bmm(torch.bmm(self._gathered, low), high).flatten(0, 1)
            outputs.index_add_(0, self._targets, made[self._valid].to(outputs.dtype))
        return outputs

    @contextmanager
    def attached(self) -> Iterator[None]:
        """While the block runs, the model's own forward pass applies the adapters."""
        hooks = [
            self._model.get_submodule(name).register_forward_hook(_hook(self, name)) for name in sorted(self._pairs)
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def _hook(stack: Stack, name: str) -> Any:
    def apply(_: Any, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        stack.add(name, inputs[0].flatten(0, -2), output.view(-1, output.shape[-1]))
        return output

    return apply


def read_adapter(folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """By layer: what an adapter multiplies with first, (in, rank), and then, (rank, out), its scale included.

    Raises ValueError, TypeError, KeyError, OSError or SafetensorError for files that hold no LoRA adapter.
    """
    from safetensors.torch import load_file

    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    rank, alpha = config["r"], config["lora_alpha"]
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    weights = load_file(folder / "adapter_model.safetensors")
    found = {}
    for name, first in weights.items():
        layer = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        if name.endswith(".lora_A.weight"):
            second = weights[name.replace(".lora_A.", ".lora_B.")]
            found[layer] = (first.float().T, second.float().T * scale)
    if not found:
        raise ValueError(f"{folder} holds no LoRA matrices")
    return found


def _stacked(adapters: Sequence[dict[str, tuple[Tensor, Tensor]]], like: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """By layer: (adapters, in, rank) and (adapters, rank, out); zeros where an adapter lacks the layer or the rank."""
    stacked = {}
    for layer in sorted({name for adapter in adapters for name in adapter}):
        pairs = [adapter.get(layer) for adapter in adapters]
        known = [pair for pair in pairs if pair is not None]
        rank = max(pair[0].shape[1] for pair in known)
        low = torch.zeros((len(pairs), known[0][0].shape[0], rank))
        high = torch.zeros((len(pairs), rank, known[0][1].shape[1]))
        for number, pair in enumerate(pairs):
            if pair is not None:
                low[number, :, : pair[0].shape[1]] = pair[0]
                high[number, : pair[1].shape[0]] = pair[1]
        stacked[layer] = (low.to(like), high.to(like))
    return stacked
