"""The outside that users rely on (contract, sections 1 and 2), frozen: 17 arguments, and every script's options."""

import os
import re
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from ainl_align.cli.stages import STAGES, stage_main
from ainl_align.config import POSITIONAL, ROOT, CycleSettings

ARGUMENTS: list[tuple[str, Any]] = [
    ("ADAPTER_OUT", ROOT / "models/ainl-phi3-lora-v5-aligned"),
    ("VARIANTS_PER_PROMPT", 24),
    ("EPOCHS", 2),
    ("MAX_NEW_TOKENS", 40),
    ("DISTILL_MODE", 1),
    ("SAMPLES_PER_PROMPT", 40),
    ("TOP_K", 3),
    ("BOOST_EVAL_REPORT", None),
    ("MIN_STRICT_RATE", 0.60),
    ("MIN_RUNTIME_RATE", 0.75),
    ("MIN_NONEMPTY_RATE", 0.70),
    ("MAX_REGRESSION_STRICT", 0.05),
    ("MAX_REGRESSION_RUNTIME", 0.05),
    ("MAX_REGRESSION_NONEMPTY", 0.05),
    ("QUANTIZATION_MODE", "none"),
    ("CANONICALIZE_CHUNK_LINES", 256),
    ("CANONICALIZE_MAX_LINES", 512),
]

EVALUATION = (
    "--max-new-tokens --device --limit --constrained-decoding --repair-attempts --canonicalize-output "
    "--canonicalize-chunk-lines --canonicalize-max-lines --bucket-by-prompt-length --emit-timing "
    "--constraint-diagnostics --quantization-mode --heartbeat-seconds --generation-timeout-seconds"
)
OPTIONS = {
    "build_regression_supervision.py": "--seed --val-ratio --test-ratio --variants-per-prompt --min-lines",
    "teacher_distill_dataset.py": (
        "--seed --variants-per-prompt --samples-per-prompt --mix-gold --mix-repair --mix-check --min-lines "
        "--val-ratio --test-ratio"
    ),
    "build_failure_boost_dataset.py": (
        "--eval-report --samples-per-failed-id --variants-per-prompt --mix-gold --mix-repair --mix-check "
        "--input-train --input-val --input-test"
    ),
    "finetune_ainl.py": (
        "--dry-run --profile --epochs --seed --data-path --eval-data-path --output-dir --max-length --batch-size "
        "--grad-accum --learning-rate --logging-steps --eval-steps --save-steps --save-total-limit --train-device "
        "--select-best-by-loss --max-train-samples"
    ),
    "sweep_checkpoints.py": (
        f"--adapter-root --base-model --prompt-set --output-json --top-k {EVALUATION} --promote-best-link "
        "--prune-non-topk"
    ),
    "eval_finetuned_model.py": (
        f"--adapter-path --base-model --prompt-set --output-json --skip-base-eval {EVALUATION}"
    ),
    "analyze_eval_trends.py": (
        "--reports-dir --glob --output-json --latest-n --min-lora-strict-ainl-rate --min-lora-runtime-rate "
        "--min-lora-nonempty-rate --max-regression-strict --max-regression-runtime --max-regression-nonempty "
        "--enforce-gate"
    ),
}
DEFAULTS = {
    "build_regression_supervision.py": {
        "--seed": "42",
        "--val-ratio": "0.1",
        "--test-ratio": "0.1",
        "--variants-per-prompt": "24",
        "--min-lines": "3",
    },
    "teacher_distill_dataset.py": {
        "--samples-per-prompt": "40",
        "--mix-gold": "0.5",
        "--mix-repair": "0.35",
        "--mix-check": "0.15",
        "--min-lines": "3",
    },
    "build_failure_boost_dataset.py": {"--samples-per-failed-id": "48"},
    "analyze_eval_trends.py": {"--latest-n": "25"},
}
CHOICES = {
    ("finetune_ainl.py", "--profile"): "{fast,balanced,quality,",
    ("finetune_ainl.py", "--train-device"): "{auto,cuda,mps,cpu}",
    ("eval_finetuned_model.py", "--quantization-mode"): "{none,dynamic-int8}",
    ("sweep_checkpoints.py", "--quantization-mode"): "{none,dynamic-int8}",
}


def _script(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@cache
def _help(name: str) -> str:
    """What a script prints for --help."""
    done = _script(name, "--help")
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout


def test_the_17_arguments() -> None:
    defaults = CycleSettings()
    assert [(name.upper(), getattr(defaults, name)) for name in POSITIONAL] == ARGUMENTS
    assert list(CycleSettings.model_fields)[:17] == list(POSITIONAL)


def test_the_cycles_own_choices() -> None:
    cycle = CycleSettings()
    assert (cycle.seed, cycle.profile, cycle.device, cycle.repair_attempts) == (42, "balanced", "auto", 2)


def test_every_stage_has_its_script() -> None:
    assert {stage.script for stage in STAGES.values()} == set(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_scripts_list_the_contracts_options(name: str) -> None:
    listed = set(re.findall(r"--[a-z0-9-]+", _help(name)))
    missing = [option for option in OPTIONS[name].split() if option not in listed]
    assert not missing, f"{name} --help lacks {missing}"


@pytest.mark.parametrize("name", DEFAULTS)
def test_scripts_state_the_contracts_defaults(name: str) -> None:
    for option, default in DEFAULTS[name].items():
        block = re.search(rf"^  {option} .*?(?=^  -|\Z)", _help(name), re.MULTILINE | re.DOTALL)
        assert block is not None, option
        assert f"(default: {default})" in " ".join(block[0].split()), (option, block[0])


@pytest.mark.parametrize(("name", "option"), CHOICES)
def test_scripts_offer_the_contracts_choices(name: str, option: str) -> None:
    assert f"{option} {CHOICES[name, option]}" in _help(name)


@pytest.mark.parametrize("name", OPTIONS)
def test_scripts_are_thin(name: str) -> None:
    path = ROOT / "scripts" / name
    assert len(path.read_text(encoding="utf-8").splitlines()) < 30
    assert os.access(path, os.X_OK)


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("build_failure_boost_dataset.py", [], "--eval-report: field required"),
        ("sweep_checkpoints.py", [], "--adapter-root: field required"),
        ("teacher_distill_dataset.py", ["--mix-gold", "0.9"], "sum to"),
        ("analyze_eval_trends.py", ["--max-regression-strict", "7"], "--max-regression-strict:"),
        ("finetune_ainl.py", ["--epochs", "two"], "--epochs:"),
        ("eval_finetuned_model.py", ["--what"], "--what"),
    ],
)
def test_scripts_refuse_bad_options_with_one_message(
    name: str, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, *words])
    with pytest.raises(SystemExit) as stop:
        stage_main(next(key for key, stage in STAGES.items() if stage.script == name))
    assert stop.value.code == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
    assert len(shown.strip().splitlines()) == 1
