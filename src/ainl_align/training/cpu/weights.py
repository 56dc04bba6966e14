"""What all threads read in a training step: the frozen base in int8, and the adapters beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ainl_align.training.cpu import kernels
from ainl_align.training.int8 import quantize_rows

Floats = NDArray[np.float32]


class Packed:
    """The LoRA layers that read one input: frozen weights stacked and quantised for both directions, and adapters.

    ``outward`` (outputs + R, inputs) makes outputs and the adapters' inner activations, ``inward`` (inputs + R,
    outputs) the gradients of inputs and of inner activations; R, ``inner``, is the sum of the ranks. Scales are by row.
    ``ends`` are the column spans of the outputs.
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        weights = [layer.base_layer.weight.detach() for layer in layers]
        (name,) = layers[0].active_adapters
        self._pairs = [(layer.lora_A[name].weight, layer.lora_B[name].weight) for layer in layers]
        self._scaling = np.float32(layers[0].scaling[name])
        self.parameters = [down for down, _ in self._pairs] + [up for _, up in self._pairs]
        self.rank: int = self._pairs[0][0].shape[0]
        self.inner = self.rank * len(layers)
        self.ends = np.cumsum([0, *(len(weight) for weight in weights)])
        stacked = torch.cat(weights)
        self.outputs, self.inputs = stacked.shape
        self.outward, self.outward_scales = _with_room(stacked, self.inner)
        self.inward, self.inward_scales = _with_room(stacked.t(), self.inner)
        self.downs = np.empty(self.inner * self.inputs, np.float32)
        self.ups = np.empty(self.rank * self.outputs, np.float32)

    def refresh(self) -> None:
        """Read the adapters' present values."""
        for slot, (down, up) in enumerate(self._pairs):
            kernels.pack_adapter(
                down.detach().numpy(),
                up.detach().numpy(),
                self._scaling,
                slot,
                int(self.ends[slot]),
                self.outward.numpy(),
                self.outward_scales,
                self.inward.numpy(),
                self.inward_scales,
                self.downs,
                self.ups,
            )


def _with_room(matrix: Tensor, more: int) -> tuple[Tensor, Floats]:
    """``matrix`` quantised by row, followed by ``more`` rows of zeros; and the scales."""
    levels, scale = quantize_rows(matrix)
    rows = torch.zeros(len(matrix) + more, matrix.shape[1], dtype=torch.int8)
    rows[: len(matrix)] = levels
    scales = np.zeros(len(rows), np.float32)
    scales[: len(matrix)] = scale.squeeze(1).numpy()
    return rows, scales


def _cut(flat: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    return flat[: rows * columns].view(rows, columns), flat[rows * columns :]


@dataclass(frozen=True)
class Layer:
    """One decoder layer. ``norms``: the weights before attention and before the feed-forward part."""

    qkv: Packed
    output: Packed
    gate_up: Packed
    down: Packed
    norms: tuple[Floats, Floats]

    @property
    def packed(self) -> tuple[Packed, ...]:
        """In the order of their use."""
        return self.qkv, self.output, self.gate_up, self.down


class Weights:
    """Layers, embeddings, head and constants of a Llama (transformers) whose linear layers are LoRA layers (PEFT)."""

    def __init__(self, llama: Any) -> None:
        inner, config = llama.model, llama.config
        self.layers = [
            Layer(
                Packed([layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj]),
                Packed([layer.self_attn.o_proj]),
                Packed([layer.mlp.gate_proj, layer.mlp.up_proj]),
                Packed([layer.mlp.down_proj]),
                (
                    layer.input_layernorm.weight.detach().numpy(),
                    layer.post_attention_layernorm.weight.detach().numpy(),
                ),
            )
            for layer in inner.layers
        ]
        self.final_norm = inner.norm.weight.detach().numpy()
        self.epsilon = np.float32(config.rms_norm_eps)
        self.embedding = inner.embed_tokens.weight.detach()
        self.head = llama.lm_head.weight.detach()
        self.head_levels, scale = quantize_rows(self.head)
        self.head_scales = scale.squeeze(1).numpy()
        self.groups: int = config.num_key_value_heads
        self.head_size: int = inner.layers[0].self_attn.head_dim
        self.softmax_scale: float = inner.layers[0].self_attn.scaling
        self.packed = [packed for layer in self.layers for packed in layer.packed]
        self.parameters = [parameter for packed in self.packed for parameter in packed.parameters]
        self._rotary = inner.rotary_emb
        self.cosine = self.sine = self.negative_sine = np.empty((0, 0), np.float32)
        self.mask = torch.empty(0, 0)

    @property
    def shared(self) -> int:
        """Query heads a key head."""
        return int(self.layers[0].qkv.ends[1]) // (self.groups * self.head_size)

    def parts(self, gradient: Tensor) -> Iterator[tuple[Packed, tuple[Tensor, list[Tensor]]]]:
        """Views of a flat gradient of all adapters: those of A below each other, and those of each B, transposed."""
        for packed in self.packed:
            downs, gradient = _cut(gradient, packed.inner, packed.inputs)
            ups = []
            for first, last in pairwise(packed.ends.tolist()):
                up, gradient = _cut(gradient, packed.rank, last - first)
                ups.append(up)
            yield packed, (downs, ups)

    def gradients(self, gradient: Tensor) -> list[Tensor]:
        """Views of a flat gradient in the order and form of ``parameters``."""
        return [
            part
            for packed, (downs, ups) in self.parts(gradient)
            for part in (*downs.split(packed.rank), *(up.t() for up in ups))
        ]

    def refresh(self, longest: int) -> None:
        """Read the adapters, and have angles and a causal mask for rows of ``longest`` tokens.

        ``mask`` is (tokens × query heads a key head, tokens), added to attention's scores.
        """
        for packed in self.packed:
            packed.refresh()
        if longest > len(self.cosine):
            cosine, sine = self._rotary(self.embedding, torch.arange(longest)[None])
            half = self.head_size // 2
            self.cosine = np.ascontiguousarray(cosine[0, :, :half].numpy())
            self.sine = np.ascontiguousarray(sine[0, :, :half].numpy())
            self.negative_sine = -self.sine
            mask = torch.full((longest, longest), float("-inf")).triu_(1)
            self.mask = mask.repeat_interleave(self.shared, 0)
