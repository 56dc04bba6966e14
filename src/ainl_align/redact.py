"""Keeps secrets out of what is written down: tokens of the environment, passwords in URLs, the user's home folder."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NAMED = re.compile(r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|CREDENTIALS?)(?:_|$)", re.IGNORECASE)
_SHORTEST = 8
_USER_INFO = re.compile(r"(?<=://)[^/\s@'\"]+@")
_TOKEN = re.compile(r"\b(?:hf_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|AKIA[0-9A-Z]{16})\b")
HIDDEN = "***"


def redacted(value: Any) -> Any:
    """A JSON value (or text, or path) without secrets; everything else in it stays as it is.

    Taken out are the values of environment variables that are named like secrets (HF_TOKEN, AWS_SECRET_ACCESS_KEY...),
    user names and passwords in URLs, and well-known forms of tokens; the user's home folder becomes ``~``.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Path):
        return _text(str(value))
    if isinstance(value, Mapping):
        return {_text(key) if isinstance(key, str) else key: redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return value


def with_home(value: Any) -> Any:
    """The other way for the home folder: text that starts with ``~/`` names a path in this user's home again."""
    if isinstance(value, str):
        return os.path.expanduser(value) if value == "~" or value.startswith("~/") else value
    if isinstance(value, Mapping):
        return {key: with_home(item) for key, item in value.items()}
    return [with_home(item) for item in value] if isinstance(value, list) else value


def without_known_secrets(document: str) -> str:
    """JSON text without the values of secret environment variables; for whole artifacts, programs included."""
    for secret in _secrets():
        document = document.replace(json.dumps(secret, ensure_ascii=False)[1:-1], HIDDEN)
    return document


def _secrets() -> list[str]:
    found = {value for name, value in os.environ.items() if _NAMED.search(name) and len(value) >= _SHORTEST}
    return sorted(found, key=len, reverse=True)


def without_secrets(text: str) -> str:
    """Text without tokens and passwords; paths stay whole, so that a person can follow them."""
    for secret in _secrets():
        text = text.replace(secret, HIDDEN)
    return _TOKEN.sub(HIDDEN, _USER_INFO.sub(f"{HIDDEN}@", text))


def _text(text: str) -> str:
    text = without_secrets(text)
    home = os.path.expanduser("~").rstrip("/")
    return re.sub(rf"(?<![\w/.~-]){re.escape(home)}(?![\w.-])", "~", text) if len(home) > 1 else text
