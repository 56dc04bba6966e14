"""A tiny but complete cycle that can be run again and again in forked processes, with faults inside them.

The base has random weights, so a cycle takes seconds; every stage is the real one. The parent process imports what the
cycle needs once; each run is a fork of it that calls the command line's entry point.
"""

import io
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from ainl_align.cli import main
from ainl_align.cycle.state import NAME as STATE
from ainl_align.tasks.prompts import PromptRow, write_prompt_set
from ainl_align.tasks.suites import suite
from tests.tiny import byte_tokenizer, make_base, write_chat_rows

PASSED, FAILED = 0, 10
_LIMIT_S = 400.0
_SETTINGS = """
adapter_out = "{out}/adapter"
corpus_dir = "{out}/corpus"
base_model = "{base}"
device = "cpu"
variants_per_prompt = 1
samples_per_prompt = 1
epochs = 1.0
profile = "fast"
max_train_samples = 10
save_steps = 1
max_new_tokens = 64
dev_limit = 2
regression_limit = 1
test_limit = 1
repair_attempts = 1
top_k = 1
gate_policy = "point"
"""


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit code (minus the signal when one killed it), what it said, and its seconds."""

    code: int
    said: str
    seconds: float


class Forked:
    """Commands that can be run again and again, each time in a fork of this process, on outputs under ``out``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.base = make_base(folder / "base", byte_tokenizer())
        self._log = folder / "said.txt"

    @property
    def commands(self) -> list[list[str]]:
        """The command lines that are run one after the other, and run again, until one fails."""
        raise NotImplementedError

    def start(
        self,
        inside: Callable[[], None] | None = None,
        commands: list[list[str]] | None = None,
        log: Path | None = None,
    ) -> int:
        """Fork a run; ``inside`` is called in it first. Returns the process id."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return pid
        code = 99
        try:
            descriptor = os.open(log or self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            if inside is not None:
                inside()
            code = self._run_all(commands)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _warm(self) -> None:
        """Run once in this process: forks start with its modules, suites and compiled programs in memory."""
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            code = self._run_all()
        assert code == PASSED, said.getvalue()[-3000:]
        self.restore(None)

    def _run_all(self, commands: list[list[str]] | None = None) -> int:
        for words in commands or self.commands:
            sys.argv = words
            try:
                main()
            except SystemExit as end:
                if end.code:
                    return end.code if isinstance(end.code, int) else 1
        return PASSED

    def wait(self, pid: int, began: float, log: Path | None = None) -> Ended:
        """Wait for a forked run."""
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                break
            if time.monotonic() - began > _LIMIT_S:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return Ended(-99, f"no end within {_LIMIT_S:.0f} s\n{self.said()}", time.monotonic() - began)
            time.sleep(0.005)
        said = self.said() if log is None else log.read_text(errors="replace")
        return Ended(os.waitstatus_to_exitcode(status), said, time.monotonic() - began)

    def run(self, inside: Callable[[], None] | None = None) -> Ended:
        """Run to the end, or to the fault that ``inside`` arranges."""
        began = time.monotonic()
        return self.wait(self.start(inside), began)

    def said(self) -> str:
        """What the last run wrote to the terminal."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def save(self, name: str) -> None:
        """Keep a copy of the outputs under a name."""
        target = self.folder / "kept" / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.out, target, symlinks=True, ignore=shutil.ignore_patterns("*.lock"))

    def restore(self, name: str | None) -> None:
        """Bring the outputs back to a kept copy; None: to nothing."""
        for entry in self.out.iterdir() if self.out.exists() else ():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self.out.mkdir(exist_ok=True)
        if name is not None:
            shutil.copytree(self.folder / "kept" / name, self.out, symlinks=True, dirs_exist_ok=True)


class TinyCycle(Forked):
    """A whole cycle."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.config = folder / "cycle.toml"
        self.config.write_text(_SETTINGS.format(out=self.out, base=self.base))
        self._warm()

    @property
    def commands(self) -> list[list[str]]:
        """The cycle's one command."""
        return [["ainl-align", "run", "--config", str(self.config)]]

    @property
    def curated(self) -> Path:
        """Folder of the reports."""
        return self.out / "corpus" / "curated"

    @property
    def state(self) -> Path:
        """The file that says what is finished."""
        return self.curated / f"{STATE}.json"


class TrainAndSweep(Forked):
    """The two stages that a kill costs most, by their own commands."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._rows = write_chat_rows(folder / "rows.jsonl", 9)
        self._prompts = folder / "prompts.jsonl"
        tasks = suite("regression")[:2]
        write_prompt_set(self._prompts, [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in tasks])
        self._warm()

    @property
    def commands(self) -> list[list[str]]:
        """train, then sweep."""
        model = ["--base-model", str(self.base)]
        adapter = str(self.out / "adapter")
        rows = ["--data-path", str(self._rows), "--eval-data-path", str(self._rows)]
        steps = ["--epochs", "2", "--batch-size", "3", "--save-steps", "2", "--logging-steps", "1"]
        prompts = ["--prompt-set", str(self._prompts), "--output-json", str(self.out / "sweep.json")]
        short = ["--max-new-tokens", "64", "--repair-attempts", "0", "--top-k", "2", "--prune-non-topk"]
        return [
            ["ainl-align", "train", *model, *rows, *steps, "--output-dir", adapter, "--train-device", "cpu"],
            ["ainl-align", "sweep", *model, *prompts, *short, "--adapter-root", adapter, "--device", "cpu"],
        ]
