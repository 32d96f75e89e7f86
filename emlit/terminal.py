"""Tables and lines in the terminal."""

from typing import Any

from rich.console import Console
from rich.text import Text

from emlit.printable import printable


class Terminal(Console):
    """A rich console that takes every string as it is: no markup, no emoji codes, control characters escaped.

    What is styled on purpose is a `Text`.
    """

    def named(self, name: str, said: object) -> None:
        """A path, or what else is said under a name, on one line whatever it holds."""
        self.print(f"{name + ':':<12} {printable(said, 4096)}", soft_wrap=True)

    def render_str(self, text: str, **options: Any) -> Text:
        lines = [printable(line, len(line)) for line in text.split("\n")]
        return super().render_str("\n".join(lines), **{**options, "markup": False, "emoji": False, "highlight": False})
