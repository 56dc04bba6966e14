"""One base model in memory that wears one adapter at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ainl_align.decoding.generate import Engine
from ainl_align.decoding.quantize import Quantization, quantize
from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.training.base import BaseModel, load_model, load_tokenizer
from ainl_align.training.checkpoints import Adapter, check_base


class Wardrobe:
    """Loads the base once and merges adapters into it, one after the other.

    Each adapter is merged into the pristine weights (PEFT's ``merge_and_unload``), never into what an earlier one
    left, so results do not depend on the order, and decoding pays nothing for the adapter.
    """

    def __init__(self, base: BaseModel, device: str, quantization: str, progress: Progress) -> None:
        self.base = base
        self.device = device
        self.tokenizer = load_tokenizer(base)
        self._wanted = quantization
        self._progress = progress
        self._model = load_model(base, device)
        self._pristine: dict[str, Any] | None = None
        self.quantization = Quantization(quantization, "none", None)

    @contextmanager
    def wearing(self, adapter: Adapter | None) -> Iterator[Engine]:
        """An engine over the base with ``adapter`` merged in; None: the bare base.

        Raises UserError when the adapter belongs to another base.
        """
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
        from safetensors import SafetensorError

        try:
            wrapped = PeftModel.from_pretrained(self._model, str(adapter.folder), torch_device=self.device)
        except (ValueError, TypeError, KeyError, RuntimeError, OSError, SafetensorError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UserError(f"{adapter.folder}: PEFT cannot load it ({first}); train it again") from error
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
        return Engine(applied.eval(), self.tokenizer, self.device)
