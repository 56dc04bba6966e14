"""Artifacts: whole or untouched, strict when read, and honest about a full disk."""

import errno
import json
import os
from pathlib import Path

import pytest

from ainl_align.artifacts import (
    atomic_open,
    check_writable,
    content_hash,
    parse_json,
    provenance,
    read_json,
    read_jsonl,
    write_jsonl,
)
from ainl_align.errors import UserError
from tests.conftest import MakeReport


def test_an_interrupted_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def interrupted() -> None:
        with atomic_open(path) as handle:
            handle.write("half")
            raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        interrupted()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_full_disk_is_one_message_and_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"a\.json: no space left on the disk"), atomic_open(path) as handle:
        handle.write("new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_folder_that_is_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        check_writable(tmp_path / "file")
    with pytest.raises(UserError, match="cannot be written"), atomic_open(tmp_path / "file" / "a.json"):
        pass


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"a": NaN}', "holds NaN"),
        ('{"a": -Infinity}', "holds -Infinity"),
        ('{"a": 1e999}', "holds 1e999"),
        ('{\n"a": 1,\n}', "line 3: is no JSON"),
        ("", "line 1: is no JSON"),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_strict_json_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UserError, match=complaint):
        parse_json(path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema": "other"}, "is no model_eval_report"),
        ({"schema_version": 2}, "'schema_version' is 2"),
        ({"schema_version": "1"}, "'schema_version' is '1'"),
        ({"limit": "all"}, "field 'limit'"),
        ({"results": {}}, "field 'results'"),
    ],
)
def test_what_is_not_of_the_schema_is_refused(
    make_report: MakeReport, change: dict[str, object], complaint: str
) -> None:
    path = make_report("report.json")
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, **change}))
    with pytest.raises(UserError, match=complaint):
        read_json(path, "model_eval_report")


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert write_jsonl(path, [{"text": "a\u2028b"}, {"text": "c"}]) == 2
    assert [number for number, _ in read_jsonl(path)] == [1, 2]
    path.write_text('{"a": 1}\n\n[2]\n')
    with pytest.raises(UserError, match=r"rows\.jsonl, line 3: is a JSON list"):
        read_jsonl(path)
    path.write_text("\n\n")
    with pytest.raises(UserError, match="is empty"):
        read_jsonl(path)


def test_the_hash_of_a_value_ignores_the_order_of_keys() -> None:
    assert content_hash({"a": 1, "b": [2]}) == content_hash({"b": [2], "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})


def test_provenance_names_code_data_and_libraries(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("{}\n")
    found = provenance({"seed": 1}, data={"train": data}, device="cpu")
    assert found["data"]["train"]["sha256"] == "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"
    assert found["libraries"]["ainativelang"] == "1.8.1"
    assert found["settings"] == {"seed": 1}
