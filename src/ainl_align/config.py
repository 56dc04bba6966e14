"""Settings of the alignment cycle: the contract's 17 arguments, and the cycle's own choices.

Each stage owns its own ``Settings``; this model holds what one cycle is given, and ``pipeline`` derives the stages'
settings from it.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ainl_align.artifacts import read_text
from ainl_align.errors import UserError

DEFAULT_BASE = "smollm2-135m"
_CHECKOUT = Path(__file__).resolve().parents[2]
ROOT = _CHECKOUT if (_CHECKOUT / "scripts" / "run_alignment_cycle.sh").is_file() else Path.cwd()
"""The repository root when run from a checkout, else the current folder; default paths are relative to it."""

Rate = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Profile = Literal["fast", "balanced", "quality", "gpu"]
Device = Literal["auto", "cuda", "mps", "cpu"]
Quantization = Literal["none", "dynamic-int8"]
Policy = Literal["point", "certified"]

POSITIONAL = (
    "adapter_out",
    "variants_per_prompt",
    "epochs",
    "max_new_tokens",
    "distill_mode",
    "samples_per_prompt",
    "top_k",
    "boost_eval_report",
    "min_strict_rate",
    "min_runtime_rate",
    "min_nonempty_rate",
    "max_regression_strict",
    "max_regression_runtime",
    "max_regression_nonempty",
    "quantization_mode",
    "canonicalize_chunk_lines",
    "canonicalize_max_lines",
)
"""The 17 positional arguments of scripts/run_alignment_cycle.sh, in order (contract, section 1)."""


def default_base() -> str:
    """The base that is used when none is named: ``AINL_BASE_MODEL``, else the embedded one."""
    return os.environ.get("AINL_BASE_MODEL") or DEFAULT_BASE


class CycleSettings(BaseModel):
    """What one alignment cycle is given. The first 17 fields are the contract's arguments, in its order."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    adapter_out: Path = Field(
        ROOT / "models/ainl-phi3-lora-v5-aligned", description="root folder of the adapter and its checkpoints"
    )
    variants_per_prompt: Count = Field(24, description="prompt variants that the dataset builders make for each id")
    epochs: float = Field(2, gt=0, description="fine-tuning epochs")
    max_new_tokens: Count = Field(
        40, description="generation budget; when not given, raised to what the prompt set needs"
    )
    distill_mode: int = Field(1, ge=0, le=1, description="1: add the teacher-distill dataset stage")
    samples_per_prompt: Count = Field(40, description="rows for each prompt id in the distill mix")
    top_k: Count = Field(3, description="checkpoints kept after the sweep")
    boost_eval_report: Path | None = Field(None, description="eval report whose failures get extra supervision")
    min_strict_rate: Rate = Field(0.60, description="gate: least strict AINL rate")
    min_runtime_rate: Rate = Field(0.75, description="gate: least runtime compile rate")
    min_nonempty_rate: Rate = Field(0.70, description="gate: least nonempty rate")
    max_regression_strict: Rate = Field(0.05, description="gate: largest drop of the strict rate")
    max_regression_runtime: Rate = Field(0.05, description="gate: largest drop of the runtime compile rate")
    max_regression_nonempty: Rate = Field(0.05, description="gate: largest drop of the nonempty rate")
    quantization_mode: Quantization = Field("none", description="quantisation of evaluation and inference")
    canonicalize_chunk_lines: Count = Field(256, description="chunk size of the canonicalisation")
    canonicalize_max_lines: Count = Field(512, description="most canonicalised lines kept of one output")

    seed: int = Field(42, ge=0, le=2**32 - 1, description="seed of datasets, training and evaluation")
    profile: Profile = Field("balanced", description="training profile")
    device: Device = Field("auto", description="auto: CUDA, then MPS, then CPU")
    base_model: str = Field(
        default_factory=default_base,
        min_length=1,
        description="embedded name, Hugging Face id or folder of the base model",
    )
    own_words: Rate = Field(0.3, description="share of gold rows with a request in people's own words")
    medley: Rate = Field(0.0, description="share of gold rows whose task joins its parts at random")
    max_train_samples: Count | None = Field(None, description="most training rows; empty: all")
    save_steps: Count | None = Field(None, description="training steps between checkpoints; empty: the profile's")
    save_total_limit: Count | None = Field(None, description="most checkpoints kept in training; empty: the profile's")
    dev_limit: int = Field(24, ge=0, description="dev prompts that the sweep chooses by; 0: all")
    test_limit: int = Field(48, ge=0, description="test prompts of the final evaluation, beside the twelve; 0: all")
    regression_limit: int = Field(0, ge=0, description="regression prompts of the final evaluation; 0: all")
    repair_attempts: int = Field(2, ge=0, le=10, description="repairs with the compiler's diagnostics")
    skip_base_eval: bool = Field(False, description="leave the base model out of the final evaluation")
    prune_non_topk: bool = Field(True, description="delete checkpoints outside the top k after the sweep")
    generation_timeout_seconds: float | None = Field(None, gt=0, description="limit for one prompt's generation")
    warm_start: bool = Field(
        False, description="begin training from the adapter that comes with the package instead of fresh weights"
    )
    gate_policy: Policy = Field("certified", description="certified: 95% bounds decide; point: plain comparison")
    gate_floor: tuple[str, ...] = Field((), description="further floors, like tier:T3:task_success=0.4")
    gate_max_drop: tuple[str, ...] = Field((), description="further largest drops, like tier:*:task_success=0.2")
    gate_ignore: tuple[str, ...] = Field((), description="file names or run ids of reports that the gate leaves out")
    min_canonical_rate: Rate | None = Field(None, description="gate: least canonical rate; empty: no floor")
    min_task_success_rate: Rate | None = Field(None, description="gate: least task success rate; empty: no floor")
    max_regression_canonical: Rate | None = Field(None, description="gate: largest drop of the canonical rate")
    max_regression_task_success: Rate | None = Field(None, description="gate: largest drop of the task success rate")
    track: Literal["trackio"] | None = Field(None, description="also send the figures there (extra: track)")
    corpus_dir: Path = Field(ROOT / "corpus", description="datasets, and curated/ with prompt sets and reports")

    @property
    def curated(self) -> Path:
        """Folder of the prompt sets and reports."""
        return self.corpus_dir / "curated"

    @property
    def budget_given(self) -> bool:
        """True when the user set MAX_NEW_TOKENS, so that the cycle must keep it."""
        return "max_new_tokens" in self.model_fields_set

    def replaced(self, changes: Mapping[str, Any]) -> "CycleSettings":
        """These settings with ``changes`` validated over them; raises pydantic's ValidationError."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return CycleSettings.model_validate({**given, **changes})


def load(path: Path) -> CycleSettings:
    """Read a TOML file of settings; relative paths in it are relative to the repository root.

    Raises UserError, naming the file, the line and the key, for bad TOML, unknown keys and bad values.
    """
    text = read_text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: is no TOML ({error}); mend that line") from error
    for key, value in table.items():
        if key not in CycleSettings.model_fields:
            raise UserError(f"{_place(path, text, key)}: unknown key '{key}'{_nearest(key)}; see configs/cycle.toml")
        if key in _PATHS and isinstance(value, str) and value:
            table[key] = str(ROOT / value)
    given = {key: value for key, value in table.items() if value != ""}
    try:
        # Strict: a file has types, so "2" for a number and true for a rate are mistakes; JSON mode still reads paths.
        return CycleSettings.model_validate_json(json.dumps(given, default=str), strict=True)
    except ValidationError as error:
        key, problem = first_problem(error)
        raise UserError(f"{_place(path, text, key)}: {key}: {problem}; correct the value") from error


def from_positional(args: Sequence[str], base: CycleSettings | None = None) -> CycleSettings:
    """Settings from the 17 positional arguments; an empty string means the value of ``base`` (the default).

    Raises UserError that names the argument by number and name.
    """
    base = base or CycleSettings()
    if len(args) > len(POSITIONAL):
        raise UserError(
            f"argument {len(POSITIONAL) + 1} ({args[len(POSITIONAL)]!r}): at most {len(POSITIONAL)} arguments are "
            f"taken, {len(args)} were given; the last is {POSITIONAL[-1].upper()}"
        )
    given = {name: value for name, value in zip(POSITIONAL, args, strict=False) if value.strip()}
    try:
        return base.replaced(given)
    except ValidationError as error:
        name, problem = first_problem(error)
        number = POSITIONAL.index(name) + 1
        raise UserError(
            f'argument {number} ({name.upper()}): {problem}; correct it, or give "" for the default '
            f"({CycleSettings.model_fields[name].default})"
        ) from error


def first_problem(error: ValidationError) -> tuple[str, str]:
    """The first complaint of a ValidationError as (field name or "", what is wrong with which value)."""
    detail = error.errors(include_url=False)[0]
    field = str(detail["loc"][0]) if detail["loc"] else ""
    message = detail["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if not field:
        return field, message
    value = "nothing" if detail["type"] == "missing" else repr(detail["input"])
    return field, f"{message}, not {value[:80]}"


_PATHS = frozenset(name for name, field in CycleSettings.model_fields.items() if "Path" in str(field.annotation))


def _place(path: Path, text: str, key: str) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if key and re.match(rf"\s*\[?\"?{re.escape(key)}\b", line):
            return f"{path}, line {number}"
    return str(path)


def _nearest(key: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, CycleSettings.model_fields, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
