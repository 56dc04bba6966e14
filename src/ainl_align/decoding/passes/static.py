"""A Hugging Face model's own forward pass over rows of different lengths, in memory that stays in its place.

The rows of a pass may read different numbers of tokens: shorter feeds are filled up with tokens that write to a column
that nobody looks at. So a pass has one of a few shapes, and on CUDA passes of the same shape are one CUDA graph.
Grouped-query attention reads each key once for its group (an attention function of our own, through transformers'
``AttentionInterface``).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface
from transformers.cache_utils import Cache, CacheLayerMixin

from ainl_align.decoding.passes.graphs import Graphs, upload
from ainl_align.decoding.passes.memory import Plan, RowMemory
from ainl_align.decoding.passes.sampling import Sampler
from ainl_align.decoding.passes.stacked import Stack

_NAME = "ainl_decoding"
_FREE = {"cpu": 4, "mps": 32, "cuda": 1024}
"""Tokens in one pass that cost about as much as one: reading the weights, or launching, dominates below it."""
_LARGE = 1_000_000_000
_FREE_LARGE = 256
"""The same on CUDA for a model of more parameters than ``_LARGE``: arithmetic takes over sooner."""
_LEAST_FILL = 0.7
_WIDEST = 8
"""Most tokens of a row in one pass; twice as many where there are one or two rows."""
_PREFILL = 16384
"""Tokens of a recorded pass, and of prompts in one pass on CUDA."""
_COLUMNS = 256
"""Recorded passes look at a multiple of so many columns."""
_STACKED = 4096
"""Tokens that there is room for from the start in a stack of adapters."""
_COVERED = 24
"""A shape is recorded of its own when a larger recording has served it so often."""


def obstacle(model: Any) -> str | None:
    """Why a model's own pass cannot work on a memory of ours; None when it may (``StaticModel.differs`` shows it)."""
    config = model.config.get_text_config()
    if not getattr(model, "_supports_attention_backend", False):
        return f"{type(model).__name__} has an attention of its own"
    odd = {kind for kind in getattr(config, "layer_types", None) or () if kind != "full_attention"}
    if odd:
        return f"it has layers of the kind {min(odd)!r}"
    for module in model.modules():
        if getattr(module, "rope_type", "default") not in ("default", "linear", "llama3", "yarn", "proportional"):
            return f"its positions are of the kind {module.rope_type!r}"
    return None


class StaticModel(RowMemory):
    """One model, and the adapters of a stack that is attached to it, if any.

    ``graphs``: whether passes are recorded (on CUDA). ``shapes``: whether passes have one of a few shapes; default:
    when they are recorded.
    """

    def __init__(
        self, model: Any, device: str, stack: Stack | None = None, *, graphs: bool = True, shapes: bool | None = None
    ) -> None:
        config = model.config.get_text_config()
        heads = int(config.num_attention_heads)
        groups = int(getattr(config, "num_key_value_heads", None) or heads)
        size = int(getattr(config, "head_dim", None) or config.hidden_size // heads)
        super().__init__((int(config.num_hidden_layers), groups, size), model.dtype, device)
        kind = torch.device(device).type
        self._decoder = model.get_decoder()
        self._head = model.get_output_embeddings()
        self._stack = stack
        self._shared = heads // groups
        large = kind == "cuda" and sum(item.numel() for item in model.parameters()) > _LARGE
        self._free = _FREE_LARGE if large else _FREE.get(kind, 1)
        self.by_itself = kind == "cuda"
        self.prefill = _PREFILL if kind == "cuda" else 512
        self.graphs = Graphs(device, usable=graphs)
        self.sampler = Sampler(device, Graphs(device, usable=graphs))
        self._few_shapes = (graphs and kind == "cuda") if shapes is None else shapes
        self._layers = [_Layer() for _ in range(config.num_hidden_layers)]
        self._cache = Cache(layers=self._layers)
        window = getattr(config, "sliding_window", None)
        self.limit = min(int(window or 1 << 30), int(getattr(config, "max_position_embeddings", None) or 1 << 30))
        """Tokens of a row, prompt and answer, that the model can read this way."""
        self._weights: list[int] = []

    @classmethod
    def over(cls, model: Any, device: str) -> "StaticModel":
        """The one for a model, with what it recorded as long as its weights lie where they lay."""
        found = _MADE.get(model)
        if found is None or found.device != device:
            found = _MADE[model] = cls(model, device)
        weights = [item.data_ptr() for item in model.parameters()]
        if weights != found._weights:
            found.graphs.clear()
            found._weights = weights
        return found

    def differs(self, model: Any) -> str | None:
        """Let two short rows be read here, and by the model itself; how the scores differ, None when they do not."""
        texts = [[1, 2, 3, 4, 5], [6, 7]]
        try:
            self.begin([])
            for _ in texts:
                self.add()
            self.feed(0, [text[:-1] for text in texts])
            found = self.scores(self.feed(0, [text[-1:] for text in texts]), range(len(texts))).float()
            own = torch.stack(
                [model(input_ids=torch.tensor([text], device=self.device)).logits[0, -1] for text in texts]
            ).float()
        except (RuntimeError, TypeError, ValueError, AttributeError, KeyError, IndexError) as error:
            return f"its pass failed on a memory of ours ({type(error).__name__}: {error})"
        finally:
            self.begin([])
        gap = float((found - own).abs().max() / own.abs().max().clamp_min(1e-6))
        most = 1e-3 if self._dtype == torch.float32 else 0.1
        return None if gap <= most else f"its scores on a memory of ours are off by {gap:.2g} of their size"

    def fits(self, columns: int) -> int:
        """Rows of so many columns that there is memory for, in three fifths of what is free (on CUDA)."""
        if torch.device(self.device).type != "cuda":
            return 1 << 30
        layers, groups, size = self._shape
        held = self._store.numel() * self._store.element_size()
        free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated() + held
        return max(1, int(0.6 * free) // (2 * layers * groups * size * columns * int(self._dtype.itemsize)))

    def plan(self, lengths: Sequence[int]) -> Plan:
        rows = len(lengths)
        most = 2 * _WIDEST if rows <= 2 else _WIDEST
        width = 1
        for wanted in sorted({min(length, most) for length in lengths}, reverse=True):
            fed = sum(min(length, wanted) for length in lengths)
            if wanted * rows <= self._free or fed >= _LEAST_FILL * wanted * rows:
                width = max(wanted, 1)
                break
        row = max(width, min(most, self._free // rows))
        return Plan(total=rows * width, feed=width, row=row, free=rows * row)

    def reserve(self, rows: int, columns: int) -> None:
        before = self._store
        super().reserve(rows, columns)
        if self._store is not before:
            self.graphs.clear()

    def feed(self, first: int, feeds: Sequence[Sequence[int]]) -> Tensor:
        sizes = [len(tokens) for tokens in feeds]
        ends = [self.lengths[first + place] + size for place, size in enumerate(sizes)]
        # Rows below ``first`` may be in the pass too: what fills them up must not be written over what they have read.
        low, rows, width, columns = self._shape_of(first, sizes, max(*ends, *self.lengths) + 1)
        self.reserve(low + rows, columns)
        inputs = np.zeros((3, rows, width), dtype=np.int64)
        inputs[2] = columns - 1  # where nobody looks before a token of its own lies there
        real = np.zeros((rows, width), dtype=bool)
        for place, (tokens, size, end) in enumerate(zip(feeds, sizes, ends, strict=True), first - low):
            inputs[0, place, :size] = tokens
            inputs[1, place, :size] = inputs[2, place, :size] = np.arange(end - size, end)
            real[place, :size] = True
        for place, end in enumerate(ends, first):
            self.lengths[place] = end
        if self._stack is not None:
            if self._stack.reserve(max(rows * width, _STACKED)):
                self.graphs.clear()
            slots = [*self._slots[low:], *[-1] * rows][:rows]
            self._stack.wear([slot if there else -1 for slot, row in zip(slots, real, strict=True) for there in row])

        def work(placed: Tensor) -> Tensor:
            return self._pass(placed, low, columns)

        if rows * width > _PREFILL:  # no shape that comes again
            states = work(upload(torch.from_numpy(inputs), self.device))
        else:
            states = self.graphs.run((low, rows, width, columns), work, torch.from_numpy(inputs))
        return _chosen(states, np.flatnonzero(real))

    def _shape_of(self, first: int, sizes: Sequence[int], columns: int) -> tuple[int, int, int, int]:
        """The first row, rows, tokens a row and columns of a pass."""
        rows, width = len(sizes), max(sizes)
        if not self._few_shapes:
            return first, rows, width, -(-columns // 64) * 64
        rows = 1 << (first + rows - 1).bit_length()
        width = 1 if width == 1 else max(4, 1 << (width - 1).bit_length())
        columns = -(-columns // _COLUMNS) * _COLUMNS
        if rows * width > _PREFILL:
            return first, len(sizes), max(sizes), columns
        exact = (0, rows, width, columns)
        larger = [
            key
            for key in self.graphs.shapes()
            if key[0] == 0
            and all(have >= need for have, need in zip(key, exact, strict=True))
            and key[1] * key[2] <= max(self._free // 2, 2 * rows * width)
            and key[3] <= 2 * columns
        ]
        if exact in self.graphs or not larger or self.graphs.wanted[exact] >= _COVERED:
            return exact
        self.graphs.wanted[exact] += 1
        low, rows, width, columns = min(larger, key=lambda key: key[1] * key[2] * key[3])
        return low, rows, width, columns

    def scores(self, states: Tensor, places: Sequence[int]) -> Tensor:
        logits: Tensor = self._head(_chosen(states, np.asarray(places, dtype=np.int64)))
        return logits

    def _pass(self, inputs: Tensor, low: int, columns: int) -> Tensor:
        """The states after tokens, positions and columns, each (rows, width): (rows × width, hidden)."""
        tokens, positions, places = inputs
        rows = len(tokens)
        index = torch.arange(low, low + rows, device=tokens.device)[:, None]
        for layer, store in zip(self._layers, self._store, strict=True):
            layer.look(store, (index, places), low, columns)
        seen = torch.arange(columns, device=tokens.device) <= places[:, :, None]
        mask = torch.zeros(seen.shape, dtype=self._dtype, device=tokens.device)
        mask.masked_fill_(~seen, torch.finfo(self._dtype).min)
        with _attending(self._decoder.config):
            output = self._decoder(
                input_ids=tokens,
                attention_mask=mask.repeat(1, self._shared, 1)[:, None],
                position_ids=positions,
                past_key_values=self._cache,
                use_cache=True,
            )
        states: Tensor = output.last_hidden_state.flatten(0, 1)
        return states


_MADE: "WeakKeyDictionary[Any, StaticModel]" = WeakKeyDictionary()


class _Layer(CacheLayerMixin):
    """One layer's part of the memory, as transformers asks for it."""

    _store: Tensor
    _places: tuple[Tensor, Tensor]
    _view: tuple[slice, slice]

    def look(self, store: Tensor, places: tuple[Tensor, Tensor], low: int, columns: int) -> None:
        """Write at ``places`` (row and column) of ``store``, and show rows from ``low`` on and so many columns."""
        self._store, self._places = store, places
        self._view = slice(low, low + len(places[0])), slice(columns)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write (rows, heads, width, size); returns all keys and values, (rows, heads, columns, size)."""
        keys, values = self._store
        keys[self._places] = key_states.transpose(1, 2)
        values[self._places] = value_states.transpose(1, 2)
        return keys[self._view].transpose(1, 2), values[self._view].transpose(1, 2)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing: the memory is there."""

    def get_mask_sizes(self, query_length: Any) -> tuple[int, int]:
        """Columns in view."""
        return int(self._view[1].stop), 0

    def get_seq_length(self, *args: Any) -> int:
        """Columns in view; rows have lengths of their own."""
        return int(self._view[1].stop)

    def get_max_length(self) -> int:
        """Columns in view."""
        return int(self._view[1].stop)

    get_max_cache_shape = get_max_length


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it; the mask is for the heads of a group one below the other."""
    rows, heads, width, size = query.shape
    # The heads that share keys become further queries of one head, so no key is copied.
    folded = query.reshape(rows, key.shape[1], heads // key.shape[1] * width, size)
    seen = F.scaled_dot_product_attention(folded, key, value, attn_mask=attention_mask, scale=scaling)
    return seen.reshape(rows, heads, width, -1).transpose(1, 2), None


AttentionInterface.register(_NAME, _attend)


@contextmanager
def _attending(config: Any) -> Iterator[None]:
    before = config._attn_implementation
    config._attn_implementation = _NAME
    try:
        yield
    finally:
        config._attn_implementation = before


def _chosen(rows: Tensor, places: Any) -> Tensor:
    """Some rows of a tensor, without waiting for the device."""
    return rows.index_select(0, upload(torch.from_numpy(places), rows.device))
