"""Tables on standard output."""

from rich.console import Console
from rich.table import Table

_FILE_WIDTH = 160


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal; wide enough for every cell when the output is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(table)
