"""What all threads read in a training step: the frozen base in int8, and the adapters beside it."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ainl_align.training.cpu import adapting

Floats = NDArray[np.float32]
_SHARE = 0.7
"""How much of the unevenness of inputs is moved into the weights; docs/log.md has the figures."""


@lru_cache(maxsize=1)
def pool(threads: int) -> ThreadPoolExecutor:
    """The process's own threads: what each allocates for itself is not given back, so new ones for every base would
    make a long run grow (docs/log.md)."""
    return ThreadPoolExecutor(threads, "training")


os.register_at_fork(after_in_child=pool.cache_clear)  # threads do not follow a fork


class Packed:
    """The LoRA layers that read one input: frozen weights stacked and quantised for both directions, and adapters.

    ``outward`` (outputs + R, inputs) makes outputs and the adapters' inner activations, ``inward`` (inputs + R,
    outputs) the gradients of inputs and of inner activations; R, ``inner``, is the sum of the ranks. Scales are by row.
    ``ends`` are the column spans of the outputs. ``smoothing`` (inputs): what inputs are divided by before they are
    quantised; it is multiplied into ``outward``. ``first``: where its numbers begin among those of all adapters.
    """

    first = 0

    def __init__(self, layers: Sequence[Any], reach: Tensor | None = None) -> None:
        weights = [layer.base_layer.weight.detach().numpy() for layer in layers]
        (name,) = layers[0].active_adapters
        self._pairs = [(layer.lora_A[name].weight, layer.lora_B[name].weight) for layer in layers]
        self._scaling = np.float32(layers[0].scaling[name])
        self.parameters = [down for down, _ in self._pairs] + [up for _, up in self._pairs]
        self.rank: int = self._pairs[0][0].shape[0]
        self.inner = self.rank * len(layers)
        self.ends = np.cumsum([0, *(len(weight) for weight in weights)])
        stacked = np.concatenate(weights)
        self.outputs, self.inputs = stacked.shape
        self.input_ends = np.array([0, self.inputs])
        self.smoothing = np.ones(self.inputs, np.float32) if reach is None else smooth(reach.numpy(), stacked)
        self.outward, self.outward_scales = _quantized(stacked, self.smoothing, self.inner)
        turned = np.ascontiguousarray(stacked.T)
        self.inward, self.inward_scales = _quantized(turned, np.ones(self.outputs, np.float32), self.inner)
        self.downs = np.empty(self.inner * self.inputs, np.float32)
        self.ups = np.empty(self.rank * self.outputs, np.float32)

    def refresh(self) -> None:
        """Read the adapters' present values."""
        for slot, (down, up) in enumerate(self._pairs):
            adapting.pack_adapter(
                down.detach().numpy(),
                up.detach().numpy(),
                self._scaling,
                slot,
                int(self.ends[slot]),
                self.smoothing,
                self.outward.numpy(),
                self.outward_scales,
                self.inward.numpy(),
                self.inward_scales,
                self.downs,
                self.ups,
            )

    def add_gradients(self, found: Floats, scale: float) -> None:
        """Add to the adapters' ``grad`` what threads found (threads, numbers of all adapters), times ``scale``."""
        for slot, (down, up) in enumerate(self._pairs):
            downs = self.first + slot * self.rank * self.inputs
            ups = self.first + self.downs.size + self.rank * int(self.ends[slot])
            adapting.add_gradient(found, downs, ups, np.float32(scale), *(_gradient(side) for side in (down, up)))


def _gradient(parameter: Tensor) -> Floats:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    gradient: Floats = parameter.grad.numpy()
    return gradient


def smooth(reach: Floats, weight: Floats) -> Floats:
    """Factors that even out the input channels of a product: SmoothQuant, Xiao et al. 2022, arXiv:2211.10438.

    ``reach``: the largest magnitude met in each channel; ``weight``: (outputs, inputs). A few channels reach a hundred
    times as far as the others, which a common scale would leave three bits.
    """
    least = np.float32(1e-5)
    widest = np.full(len(reach), least)
    adapting.widen(weight, widest)
    factors: Floats = np.maximum(reach, least) ** np.float32(_SHARE) / widest ** np.float32(1 - _SHARE)
    return factors


def _quantized(matrix: Floats, factors: Floats, more: int = 0) -> tuple[Tensor, Floats]:
    """``matrix``, its columns times ``factors``, quantised by row and followed by ``more`` rows of zeros; scales."""
    levels = np.empty((len(matrix) + more, matrix.shape[1]), np.int8)
    scales = np.zeros(len(levels), np.float32)
    adapting.quantize_rows(matrix, factors, levels, scales)
    levels[len(matrix) :] = 0
    return torch.from_numpy(levels), scales


@dataclass(frozen=True)
class Layer:
    """One decoder layer. ``norms``: the weights before attention and before the feed-forward part."""

    qkv: Packed
    output: Packed
    gate_up: Packed
    down: Packed
    norms: tuple[Floats, Floats]

    @property
    def smoothed_norms(self) -> tuple[Floats, Floats]:
        """Those that make the inputs of the int8 products."""
        return self.norms[0] / self.qkv.smoothing, self.norms[1] / self.gate_up.smoothing

    @property
    def packed(self) -> tuple[Packed, ...]:
        """In the order of their use."""
        return self.qkv, self.output, self.gate_up, self.down


class Weights:
    """Layers, embeddings, head and constants of a Llama (transformers) whose linear layers are LoRA layers (PEFT).

    ``run`` passes a sample of what will be trained on through the model; it shows how far each input channel reaches.
    """

    def __init__(self, llama: Any, run: Callable[[], object]) -> None:
        inner, config = llama.model, llama.config
        reach = _reach(inner, run)

        def pack(layer: Any) -> Layer:
            heads = [layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj]
            return Layer(
                Packed(heads, reach[layer.input_layernorm]),
                Packed([layer.self_attn.o_proj]),
                Packed([layer.mlp.gate_proj, layer.mlp.up_proj], reach[layer.post_attention_layernorm]),
                Packed([layer.mlp.down_proj], reach[layer.mlp.down_proj]),
                (
                    layer.input_layernorm.weight.detach().numpy(),
                    layer.post_attention_layernorm.weight.detach().numpy(),
                ),
            )

        self.layers = list(pool(torch.get_num_threads()).map(pack, inner.layers))
        self.final_norm = inner.norm.weight.detach().numpy()
        self.epsilon = np.float32(config.rms_norm_eps)
        self.embedding = inner.embed_tokens.weight.detach()
        self.head = llama.lm_head.weight.detach()
        smoothing = smooth(reach[inner.norm].numpy(), self.head.numpy())
        self.head_levels, self.head_scales = _quantized(self.head.numpy(), smoothing)
        self.smoothed_norms = [norm for layer in self.layers for norm in layer.smoothed_norms]
        self.smoothed_norms.append(self.final_norm / smoothing)
        self.groups: int = config.num_key_value_heads
        self.head_size: int = inner.layers[0].self_attn.head_dim
        self.softmax_scale: float = inner.layers[0].self_attn.scaling
        self.ones = np.ones(max(layer.gate_up.outputs for layer in self.layers), np.float32)
        self.packed = [packed for layer in self.layers for packed in layer.packed]
        self.parameters = [parameter for packed in self.packed for parameter in packed.parameters]
        self.numbers = 0
        for packed in self.packed:
            packed.first = self.numbers
            self.numbers += packed.downs.size + packed.ups.size
        self._rotary = inner.rotary_emb
        self.cosine = self.sine = self.negative_sine = np.empty((0, 0), np.float32)
        self.mask = torch.empty(0, 0)

    @property
    def shared(self) -> int:
        """Query heads a key head."""
        return int(self.layers[0].qkv.ends[1]) // (self.groups * self.head_size)

    def parts(self, gradient: Tensor) -> Iterator[tuple[Packed, tuple[Tensor, Tensor]]]:
        """Parts of a flat gradient of all adapters: those of A one after another, and those of B, each transposed."""
        for packed in self.packed:
            middle = packed.first + packed.downs.size
            yield packed, (gradient[packed.first : middle], gradient[middle : middle + packed.ups.size])

    def reach(self, longest: int) -> None:
        """Have angles and a causal mask for rows of ``longest`` tokens.

        ``mask`` is (tokens × query heads a key head, tokens), added to attention's scores.
        """
        if longest > len(self.cosine):
            cosine, sine = self._rotary(self.embedding, torch.arange(longest)[None])
            half = self.head_size // 2
            self.cosine = np.ascontiguousarray(cosine[0, :, :half].numpy())
            self.sine = np.ascontiguousarray(sine[0, :, :half].numpy())
            self.negative_sine = -self.sine
            mask = torch.full((longest, longest), float("-inf")).triu_(1)
            self.mask = mask.repeat_interleave(self.shared, 0)


def _reach(inner: Any, run: Callable[[], object]) -> dict[nn.Module, Tensor]:
    """The largest magnitude of each channel that norms put out, and that goes into the last product of a layer."""
    found: dict[nn.Module, Tensor] = {}

    def see(module: nn.Module, inputs: Any, output: Tensor) -> None:
        seen = output if module in norms else inputs[0]
        found[module] = seen.detach().abs().flatten(0, -2).amax(0)

    norms = {norm for layer in inner.layers for norm in (layer.input_layernorm, layer.post_attention_layernorm)}
    norms.add(inner.norm)
    hooks = [module.register_forward_hook(see) for module in (*norms, *(layer.mlp.down_proj for layer in inner.layers))]
    try:
        with torch.no_grad():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return found
