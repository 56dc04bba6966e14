"""SIGTERM ends a command as Ctrl-C does: cleanly, with 130 and one message."""

import signal
import subprocess
import sys

import pytest

COMMAND = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
from ainl_align.cli.boundary import guarded

def work():
    try:
        print("at work", flush=True)
        time.sleep(60)
    finally:
        print("put away", flush=True)
    return 0

guarded(work)()
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_command_cleanly(how: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "at work\n"
    process.send_signal(how)
    said, told = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "put away\n")
    assert told == "ainl-align: interrupted; what was finished is kept, run the same command again\n"
