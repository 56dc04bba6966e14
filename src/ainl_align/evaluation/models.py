"""One base model in memory that wears one adapter at a time, or several in one batch."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from ainl_align.decoding.generate import Engine
from ainl_align.decoding.passes.quantize import Quantization, device_obstacle, quantize
from ainl_align.decoding.passes.stacked import Stack
from ainl_align.errors import UserError
from ainl_align.evaluation.likelihood import Int8Losses, rank_of, stacked_losses
from ainl_align.progress import Progress
from ainl_align.training.base import BaseModel, load_model, load_tokenizer, loading
from ainl_align.training.checkpoints import Adapter, check_base
from ainl_align.training.precision import compute_dtype, int8_pays
from ainl_align.training.rows import Encoded
from ainl_align.training.start import incomplete


class Wardrobe:
    """Loads the base once, when it is first needed, and merges adapters into it, one after the other.

    Each adapter is merged into the pristine weights (PEFT's ``merge_and_unload``), never into what an earlier one
    left, so results do not depend on the order, and decoding pays nothing for the adapter. That is the reference
    path; ``stacked`` is the other one.
    """

    def __init__(self, base: BaseModel, device: str, quantization: str, progress: Progress) -> None:
        self.base = base
        self.device = device
        self.tokenizer = load_tokenizer(base)
        self._wanted = quantization
        self._progress = progress
        self._pristine: dict[str, Any] | None = None
        self._stacked: tuple[Any, Engine] | None = None
        self._int8: Int8Losses | None = None
        self.unpacked: str | None = None
        """Why the last engine's decoding goes through the model's own forward pass; None when it goes through ours."""
        reason = device_obstacle(device) if quantization != "none" else None
        self.quantization = Quantization(quantization, "none" if reason else quantization, reason)

    @cached_property
    def _model(self) -> Any:
        return load_model(self.base, self.device)

    @property
    def path(self) -> str:
        """How ``wearing`` applies an adapter: what answers depend on beside the adapter."""
        return f"merged, {compute_dtype(self.device)}, {self.device}, {self._wanted}"

    def stacked(self, adapters: Sequence[Adapter | None], quantization: str) -> Engine:
        """An engine whose slots are these adapters (None: the bare base), over the base in its own quantisation.

        Not to be used while an adapter is worn. Raises UserError when an adapter belongs to another base.
        """
        for adapter in adapters:
            if adapter is not None:
                check_base(adapter, self.base)
        folders = [None if adapter is None else adapter.folder for adapter in adapters]
        if self._stacked is None or self._stacked[0] != (folders, quantization):
            model, _ = quantize(self._model, quantization, self.device, self._progress)
            stack = Stack(folders, model)
            self._stacked = ((folders, quantization), Engine(model.eval(), self.tokenizer, self.device, stack))
        return self._stacked[1]

    def losses(
        self, adapters: Sequence[Adapter], rows: Sequence[Encoded], quantization: str, fused: bool
    ) -> Iterator[list[float]]:
        """By adapter: for each row the negative log-likelihood of its labelled tokens, summed, in nats.

        Not to be used while an adapter is worn. The base is in ``quantization``; with ``fused`` in int8, by training's
        passes, on a CPU where these serve and pay.
        """
        for adapter in adapters:
            check_base(adapter, self.base)
        int8 = self._int8_losses(adapters) if fused and int8_pays(self.device) else None
        if int8 is not None:
            yield from (int8(adapter.folder, rows) for adapter in adapters)
        elif adapters:
            engine = self.stacked(adapters, quantization)
            assert engine.stack is not None
            yield from (stacked_losses(engine.model, engine.stack, slot, rows) for slot in range(len(adapters)))

    def loss_path(self, quantization: str, fused: bool) -> str:
        """How ``losses`` are computed; see ``path``."""
        return "fused int8, cpu" if fused and int8_pays(self.device) else stacked_path(self.device, quantization)

    def _int8_losses(self, adapters: Sequence[Adapter]) -> Int8Losses | None:
        """None for a base that training's passes do not know."""
        rank = max((rank_of(adapter.folder) for adapter in adapters), default=0)
        if self._int8 is None or self._int8.rank < rank:
            try:
                self._int8 = Int8Losses(self._model, rank)
            except ValueError:
                return None
        return self._int8

    @contextmanager
    def wearing(self, adapter: Adapter | None) -> Iterator[Engine]:
        """An engine over the base with ``adapter`` merged in; None: the bare base.

        Raises UserError when the adapter belongs to another base.
        """
        self._stacked = self._int8 = None  # packed weights are large, and the next engine packs its own
        if adapter is None:
            yield self._engine(self._model)
            return
        check_base(adapter, self.base)
        merged = self._merge(adapter)
        try:
            yield self._engine(merged)
        finally:
            self._restore()

    def _merge(self, adapter: Adapter) -> Any:
        from peft import PeftModel

        model = self._model
        with loading(adapter.folder, "weights"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Found missing adapter keys")  # that is an error, told below
            wrapped = PeftModel.from_pretrained(model, str(adapter.folder), torch_device=self.device)
            problem = incomplete(wrapped, adapter.folder)
        if problem is not None:
            wrapped.unload()
            raise UserError(problem)
        touched = {
            name
            for name, module in wrapped.base_model.model.named_modules()
            if hasattr(module, "base_layer") and hasattr(module, "lora_A")
        }
        self._pristine = {
            name: wrapped.base_model.model.get_submodule(name).base_layer.weight.detach().clone() for name in touched
        }
        return wrapped.merge_and_unload()

    def _restore(self) -> None:
        for name, weight in (self._pristine or {}).items():
            self._model.get_submodule(name).weight.data.copy_(weight)
        self._pristine = None

    def _engine(self, model: Any) -> Engine:
        applied, self.quantization = quantize(model, self._wanted, self.device, self._progress)
        engine = Engine(applied.eval(), self.tokenizer, self.device)
        self.unpacked = engine.unpacked
        return engine


def stacked_path(device: str, quantization: str) -> str:
    """How ``Wardrobe.stacked`` applies adapters; see ``Wardrobe.path``."""
    return f"stacked, {compute_dtype(device)}, {device}, {quantization}"
