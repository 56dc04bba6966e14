"""The JSON Schemas that ship with the package, and the contract's keys in them (section 3)."""

from importlib.resources import files

import jsonschema
import pytest

from ainl_align.artifacts import load_schema

SCHEMAS = sorted(
    entry.name.removesuffix(".json") for entry in files("ainl_align").joinpath("schemas").iterdir() if entry.is_file()
)
CONTRACT = {
    "checkpoint_sweep_report": "adapter_root base_model prompt_set top_k ranked selected pruned",
    "model_eval_report": "base_model adapter_path prompt_set sanity summary diagnostics results",
    "model_eval_trends": "summary latest_rows",
    "alignment_run_health": "status artifacts selected_adapter metrics checkpoint_top1 gate",
}
NESTED = {
    ("model_eval_report", "summary"): "lora base failure_families comparison",
    ("model_eval_report", "diagnostics"): "lora base",
    ("model_eval_trends", "summary"): "latest previous delta_vs_previous gate",
}
DEFINED = {
    ("model_eval_report", "diagnostics"): (
        "timing_totals constraint_diagnostics constraint_health length_buckets quantization"
    ),
    ("model_eval_report", "side_summary"): (
        "n nonempty_rate runtime_compile_rate strict_compile_rate strict_ainl_rate canonical_rate task_success_rate"
    ),
    ("checkpoint_sweep_report", "row"): (
        "adapter_path ok error nonempty_rate runtime_compile_rate strict_ainl_rate counts report_json"
    ),
    ("model_eval_trends", "gate"): "passed failures thresholds",
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(load_schema(name))


@pytest.mark.parametrize("name", sorted(set(SCHEMAS) - {"generation", "gate_history"}))
def test_every_artifact_carries_version_and_provenance(name: str) -> None:
    schema = load_schema(name)
    assert {"schema", "schema_version", "provenance"} <= set(schema["required"])
    assert schema["properties"]["schema"] == {"const": name}


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contracts_keys_are_required(name: str) -> None:
    assert set(CONTRACT[name].split()) <= set(load_schema(name)["required"])


@pytest.mark.parametrize(("name", "key"), NESTED)
def test_the_contracts_nested_keys_are_required(name: str, key: str) -> None:
    assert set(NESTED[name, key].split()) <= set(load_schema(name)["properties"][key]["required"])


@pytest.mark.parametrize(("name", "definition"), DEFINED)
def test_the_contracts_row_keys_are_required(name: str, definition: str) -> None:
    assert set(DEFINED[name, definition].split()) <= set(load_schema(name)["$defs"][definition]["required"])
