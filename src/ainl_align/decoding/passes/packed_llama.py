"""A Llama's forward pass over rows of different lengths, without padding where the work is.

The tokens of all rows lie one after the other, so every linear layer does only real work; keys and values are kept
by row and position, so columns of padding never exist; grouped-query attention reads each key once for its group.
On CPUs with MKL the weights are packed for a few row counts, at the first pass that has one of them, which saves MKL
from packing them anew at every call (about a third of the time at 60 rows, half of it at 8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ainl_align.decoding.passes.memory import Plan, RowMemory
from ainl_align.decoding.passes.stacked import Stack

_WIDEST = 4
"""Most tokens that one row feeds beside others: attention pays for the widest row in every row."""
_FREE = 16
"""Tokens that a pass is filled up to with guesses of any quality; half as many for one or two rows."""
_GROUP = 8
"""Rows whose attention is computed together: they pay for the longest among them."""
_Ints = np.ndarray[Any, np.dtype[np.int64]]
_COUNTS = (1, 8, 16, 32, 56)
"""Row counts that weights are packed for, beside the widest pass; a pass is filled up to the next one."""
_PACKED_BYTES = 4 << 30
"""Memory that packed copies may take; a larger model is packed for fewer counts, or not at all."""


def obstacle(model: Any, device: str) -> str | None:
    """Why this pass cannot stand in for the model's own; None when it can."""
    from transformers import LlamaForCausalLM

    if torch.device(device).type != "cpu":
        return f"it is made for the CPU, this is {device}"
    if type(model) is not LlamaForCausalLM:
        return f"it knows Llama models, this is a {type(model).__name__}"
    kind = model.model.rotary_emb.rope_type
    if kind not in ("default", "linear", "llama3"):
        return f"the model's positions are of the kind {kind!r}"
    if model.config.hidden_act != "silu":
        return f"the model's activation is {model.config.hidden_act!r}"
    return None


class _Linear:
    """A linear layer, packed for some row counts where that pays, with what the adapters of a stack add."""

    def __init__(self, layer: nn.Module, counts: Sequence[int], name: str, stack: Stack | None) -> None:
        self._layer = layer
        self._counts = counts
        self._name = name
        self._stack = stack
        self._packed: dict[int, Tensor] = {}

    def __call__(self, inputs: Tensor) -> Tensor:
        output = self._base(inputs)
        return output if self._stack is None else self._stack.add(self._name, inputs, output)

    def _base(self, inputs: Tensor) -> Tensor:
        count = inputs.shape[0]
        if count not in self._counts:
            plain: Tensor = self._layer(inputs)
            return plain
        packed = self._packed.get(count)
        if packed is None:
            weight = self._layer.weight.detach()
            packed = self._packed[count] = torch.ops.mkl._mkl_reorder_linear_weight(weight, count)
        output: Tensor = torch.ops.mkl._mkl_linear(inputs, packed, self._layer.weight, self._layer.bias, count)
        return output


@dataclass(frozen=True)
class _Group:
    """Neighbouring rows of one pass: which they are, where their tokens lie, and what each may look at."""

    rows: slice
    tokens: slice
    width: int
    end: int
    places: Tensor | None
    """Where in rows × width each token belongs; None when every place is taken."""
    mask: Tensor
    """Zero or minus infinity, (rows, 1, heads of a group × width, end)."""


class PackedLlama(RowMemory):
    """The pass over one model, and the adapters of a stack over it.

    ``widest``: tokens that a pass of decoding without guesses has at most.
    """

    prefill = 512

    def __init__(self, model: Any, widest: int, stack: Stack | None = None) -> None:
        config = model.config
        self._model = model
        self._heads = int(config.num_attention_heads)
        self._groups = int(config.num_key_value_heads)
        self._size = int(getattr(config, "head_dim", None) or config.hidden_size // self._heads)
        super().__init__((len(model.model.layers), self._groups, self._size), model.dtype, "cpu")
        size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
        plain = all(type(linear) is nn.Linear for linear in (model.lm_head, *_linears(model.model.layers[0]).values()))
        usable = torch.backends.mkl.is_available() and model.dtype == torch.float32 and plain
        affordable = _PACKED_BYTES // size if usable else 0
        # The widest pass first: it does the most work.
        counts = (widest, *(count for count in reversed(_COUNTS) if count < widest))[:affordable]
        self._counts = tuple(sorted(counts))
        self.widest = widest
        self._stack = stack
        self._layers = [
            (
                layer,
                *(_Linear(part, self._counts, f"model.layers.{i}.{at}", stack) for at, part in _linears(layer).items()),
            )
            for i, layer in enumerate(model.model.layers)
        ]
        self._head = _Linear(model.lm_head, self._counts, "lm_head", None)
        self._views: list[Tensor] = []
        """The memory by layer."""

    def plan(self, lengths: Sequence[int]) -> Plan:
        return Plan(total=self.widest, feed=_WIDEST, row=1 << 30, free=_FREE if len(lengths) > 2 else _FREE // 2)

    def reserve(self, rows: int, columns: int) -> None:
        before = self._store
        super().reserve(rows, columns)
        if self._store is not before:
            self._views = list(self._store)

    def feed(self, first: int, feeds: Sequence[Sequence[int]]) -> Tensor:
        sizes = np.array([len(tokens) for tokens in feeds])
        starts = np.array(self.lengths[first : first + len(feeds)])
        total = int(sizes.sum())
        filled = next((count for count in self._counts if count >= total), total)
        slots = np.repeat(np.arange(len(feeds)), sizes)
        tokens, positions = np.zeros((2, filled), dtype=np.int64)
        tokens[:total] = np.concatenate([np.asarray(item, dtype=np.int64) for item in feeds])
        positions[:total] = starts[slots] + np.arange(total) - np.repeat(sizes.cumsum() - sizes, sizes)
        self.reserve(first + len(feeds), int((starts + sizes).max()))
        for number, size in enumerate(sizes.tolist(), first):
            self.lengths[number] += size
        if self._stack is not None:
            self._stack.wear([self._slots[first + slot] for slot in slots])
        hidden = self._pass(
            torch.from_numpy(tokens),
            torch.from_numpy(positions),
            torch.from_numpy(slots + first),
            [
                self._group(first, sizes, starts, place, min(place + _GROUP, len(feeds)))
                for place in range(0, len(feeds), _GROUP)
                if sizes[place : place + _GROUP].any()
            ],
        )
        return hidden[:total]

    def scores(self, states: Tensor, places: Sequence[int]) -> Tensor:
        states = states[torch.tensor(places, dtype=torch.long)]
        rows = len(places)
        filled = next((count for count in self._counts if count >= rows), rows)
        if filled > rows:
            states = torch.cat([states, states.new_zeros((filled - rows, states.shape[1]))])
        return self._head(states)[:rows]

    def _group(self, first: int, sizes: _Ints, starts: _Ints, low: int, high: int) -> _Group:
        """Rows ``low`` to ``high`` of a feed."""
        before = int(sizes[:low].sum())
        sizes, starts = sizes[low:high], starts[low:high]
        total, width, end = int(sizes.sum()), int(sizes.max()), int((starts + sizes).max())
        places = None
        if total < len(sizes) * width:
            offsets = np.arange(total) - np.repeat(sizes.cumsum() - sizes, sizes)
            places = torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes) * width + offsets)
        # A token looks at itself and what lies before it; in the unused places of narrow rows, anything will do.
        barred = torch.from_numpy(np.arange(end) > np.minimum(starts[:, None] + np.arange(width), end - 1)[:, :, None])
        mask = torch.zeros(barred.shape, dtype=self._model.dtype).masked_fill_(barred, -torch.inf)[:, None, None]
        mask = mask.expand(-1, 1, self._heads // self._groups, -1, -1).reshape(len(sizes), 1, -1, end)
        return _Group(slice(first + low, first + high), slice(before, before + total), width, end, places, mask)

    def _pass(self, tokens: Tensor, positions: Tensor, rows: Tensor, members: Sequence[_Group]) -> Tensor:
        total = len(rows)
        heads, groups, size = self._heads, self._groups, self._size
        columns = positions[:total]
        hidden = self._model.model.embed_tokens(tokens)
        cosine, sine = (part[0, :, None] for part in self._model.model.rotary_emb(hidden, positions[None]))
        attended = hidden.new_zeros((len(tokens), heads * size))
        for number, (layer, query, key, value, output, gate, up, down) in enumerate(self._layers):
            normed = layer.input_layernorm(hidden)
            both = torch.cat([query(normed), key(normed)], dim=-1).view(-1, heads + groups, size)
            low, high = both.chunk(2, dim=-1)
            both = (both * cosine).addcmul_(torch.cat([-high, low], dim=-1), sine)[:total]
            keys, values = self._views[number]
            keys[rows, columns] = both[:, heads:]
            values[rows, columns] = value(normed)[:total].view(total, groups, size)
            for member in members:
                attended[member.tokens] = self._attend(keys, values, both[member.tokens, :heads], member)
            hidden = hidden + output(attended)
            normed = layer.post_attention_layernorm(hidden)
            hidden = hidden + down(F.silu(gate(normed)).mul_(up(normed)))
        last: Tensor = self._model.model.norm(hidden)
        return last

    def _attend(self, keys: Tensor, values: Tensor, queries: Tensor, member: _Group) -> Tensor:
        """What the tokens of some rows see, (tokens, heads × size); ``queries``: (tokens, heads, size)."""
        heads, groups, size = self._heads, self._groups, self._size
        rows, width = member.rows.stop - member.rows.start, member.width
        if member.places is not None:
            spread = queries.new_zeros((rows * width, heads, size))
            spread[member.places] = queries
            queries = spread
        # The heads that share keys become further queries of one head, so no key is copied.
        queries = queries.reshape(rows, width, groups, heads // groups, size).permute(0, 2, 3, 1, 4)
        seen = F.scaled_dot_product_attention(
            queries.reshape(rows, groups, -1, size),
            keys[member.rows, : member.end].transpose(1, 2),
            values[member.rows, : member.end].transpose(1, 2),
            attn_mask=member.mask,
        )
        seen = seen.view(rows, groups, heads // groups, width, size).permute(0, 3, 1, 2, 4)
        seen = seen.reshape(rows * width, heads * size)
        return seen if member.places is None else seen[member.places]


def _linears(layer: Any) -> dict[str, nn.Module]:
    attention = [f"self_attn.{name}_proj" for name in "qkvo"]
    names = [*attention, "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
    return {name: layer.get_submodule(name) for name in names}
