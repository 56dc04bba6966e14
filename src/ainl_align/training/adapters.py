"""LoRA adapters as the training loop sees them: all weights in one fp32 vector, their gradients in another.

One vector makes clipping, the optimiser, the exchange between processes and a checkpoint each a single operation. PEFT
finds the layers, initialises them and defines the files.
"""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ainl_align.training.checkpoints import WEIGHTS
from ainl_align.training.merged import Merged


class Adapters:
    """The adapters of a PEFT model, inside the base's layers. Its parameters become views of ``weights``.

    ``weights`` and ``gradients`` are fp32 vectors of one entry a trained number, on ``device``; ``parameters`` are
    PEFT's parameters that live in them, in their order, and ``named`` the same by the names of PEFT's files. With
    ``merge`` the layers are exchanged for those of ``merged.py``; ``refresh`` then has to follow every change of
    ``weights``. Without, PEFT's own layers, or what was patched into them, compute.
    """

    def __init__(self, model: Any, device: str, *, merge: bool) -> None:
        self._config = model.peft_config["default"]
        self._config.base_model_name_or_path = model.get_base_model().name_or_path
        self._config.inference_mode = True  # whoever loads the files wants to use them
        layers = {name: layer for name, layer in model.named_modules() if hasattr(layer, "lora_A") and layer.lora_A}
        sides = {
            f"{name}.{side}.weight": getattr(layer, side)["default"].weight
            for name, layer in layers.items()
            for side in ("lora_A", "lora_B")
        }
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self._merged = Merged(model, layers) if merge else None
        ordered = self._merged.ordered() if self._merged else list(sides.values())
        total = sum(parameter.numel() for parameter in ordered)
        self.weights = nn.Parameter(torch.empty(total, device=device, dtype=torch.float32))
        self.gradients = torch.zeros_like(self.weights)
        self.weights.grad = self.gradients
        at = 0
        for parameter in ordered:
            span = slice(at, at + parameter.numel())
            view = self.weights.data[span].view(parameter.shape)
            view.copy_(parameter.data)
            parameter.data = view
            if not merge:
                parameter.grad = self.gradients[span].view(parameter.shape)
                parameter.requires_grad_()
            at = span.stop
        self.parameters = ordered
        self.named = sides
        if self._merged:
            self._merged.attach(self.weights.data, self.gradients)
        self.refresh()

    def refresh(self) -> None:
        """Carry ``weights`` into the layers."""
        if self._merged:
            self._merged.refresh()

    def save(self, folder: Path) -> None:
        """Write the two files of a PEFT adapter into ``folder``, which is made."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        self._config.save_pretrained(str(folder))
        contents = {name: parameter.data.cpu().clone() for name, parameter in self.named.items()}
        save_file(contents, str(folder / WEIGHTS), metadata={"format": "pt"})
