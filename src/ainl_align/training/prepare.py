"""What the first run on a machine would otherwise have to make: the embedded base's weights, and compiled kernels.

``scripts/setup.sh`` has it made. Whatever is missing later is made when it is needed.
"""

from ainl_align.progress import Progress
from ainl_align.training.base import EMBEDDED, quiet_peft, resolve
from ainl_align.training.precision import int8_pays, pick_device
from ainl_align.training.rows import IGNORED, Encoded


def prepare() -> None:
    """Convert the embedded base, and compile the kernels of training where training runs on this CPU in int8."""
    resolve(EMBEDDED)
    if int8_pays(pick_device("auto")):
        compile_kernels()


def compile_kernels() -> None:
    """Take one training step of a tiny model, which compiles every kernel that is not kept yet."""
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    from ainl_align.training.adapters import Adapters
    from ainl_align.training.cpu.step import int8_loss
    from ainl_align.training.loss import SummedLoss
    from ainl_align.training.packing import collate

    quiet_peft()
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = LlamaForCausalLM(config)
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    Adapters(adapted, "cpu", merge=False)
    ids = [number % 60 for number in range(20)]
    batch = collate([Encoded("direct", ids, [IGNORED] * 10 + ids[10:])] * 4)
    int8_loss(model, SummedLoss(model, "cpu"), batch, Progress())(batch).backward()
