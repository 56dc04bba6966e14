"""Command-line options from a settings model: one definition gives the validation, the help and the defaults."""

import argparse
import types
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from ainl_align.config import ROOT, first_problem
from ainl_align.errors import UserError

S = TypeVar("S", bound=BaseModel)


class _Parser(argparse.ArgumentParser):
    """Wrong usage is an error like any other: one message instead of a screen of options."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{self.prog}: {message}; {self.prog} --help lists the options")


def parser_for(
    model: type[BaseModel],
    prog: str,
    description: str,
    *,
    positional: Collection[str] = (),
    aliases: Mapping[str, str] | None = None,
) -> argparse.ArgumentParser:
    """An argument parser with one option for each field: ``name_of_field`` is ``--name-of-field``.

    A bool is ``--flag/--no-flag`` (only ``--no-x`` for a field ``no_x``), a tuple an option that may be repeated.
    Fields in ``positional`` are optional words instead; ``aliases`` gives fields a second option name. Nothing is
    converted here; the model does that.
    """
    parser = _Parser(prog=prog, description=description, argument_default=argparse.SUPPRESS)
    for name, field in model.model_fields.items():
        help_text = _help(field)
        if name in positional:
            parser.add_argument(name, nargs="?", help=help_text)
            continue
        options = ["--" + name.replace("_", "-"), *([aliases[name]] if aliases and name in aliases else [])]
        kind = _without_none(field.annotation)
        if kind is bool and name.startswith("no_"):
            parser.add_argument(*options, action="store_true", help=help_text)
        elif kind is bool:
            parser.add_argument(*options, action=argparse.BooleanOptionalAction, help=help_text)
        elif get_origin(kind) is tuple:
            parser.add_argument(*options, action="append", metavar="NAME", help=help_text)
        elif get_origin(kind) is Literal:
            parser.add_argument(*options, choices=[str(choice) for choice in get_args(kind)], help=help_text)
        else:
            parser.add_argument(*options, metavar=_metavar(kind), help=help_text)
    return parser


def parse(parser: argparse.ArgumentParser, model: type[S], argv: Sequence[str]) -> S:
    """Validated settings from command-line words; UserError names an unknown or bad option."""
    given = vars(parser.parse_args(list(argv)))
    return validated(model, given)


def validated(model: type[S], given: Mapping[str, Any]) -> S:
    """Settings from option values; UserError names the option that is wrong."""
    try:
        return model.model_validate(with_unset(model, given))
    except ValidationError as error:
        raise UserError(option_problem(error)) from error


def with_unset(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` with None for "none" and "", where the option may be unset."""
    return {
        name: None if value in ("", "none") and _optional(model.model_fields[name]) else value
        for name, value in given.items()
    }


def option_problem(error: ValidationError) -> str:
    """The message for a bad option value."""
    name, problem = first_problem(error)
    where = f"--{name.replace('_', '-')}: " if name else ""
    return f"{where}{problem}; correct the value (--help lists the options)"


def _help(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    text = field.description or ""
    if default is not None and default != () and not field.is_required():
        text += f" (default: {_shown(default)})"
    return text.replace("%", "%%")


def _shown(value: Any) -> str:
    if isinstance(value, Path) and value.is_relative_to(ROOT):
        return str(value.relative_to(ROOT))
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        if len(kinds) == 1:
            return _without_none(kinds[0])
    return annotation if not hasattr(annotation, "__metadata__") else _without_none(get_args(annotation)[0])


def _optional(field: FieldInfo) -> bool:
    return type(None) in get_args(field.annotation)


def _metavar(kind: Any) -> str:
    return {int: "N", float: "X", Path: "PATH", str: "TEXT"}.get(kind, "VALUE")
