"""Text from outside, made fit for a terminal, a log or an error message."""

import logging
import re


def printable(text: object, longest: int = 500) -> str:
    """One line without control characters: what is not printable is shown as its escape, as `repr` would show it.

    A model's name, a path, a program's output or a server's answer may hold escape sequences that move the cursor,
    change the window's title or hide what stands before them.

    Args:
        text: anything; bytes are read as UTF-8
        longest: characters that are kept
    """
    whole = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else str(text)
    shown = "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode("ascii")
        for each in whole[: longest + 1]
    )
    return shown if len(whole) <= longest else shown[:longest] + "…"


def as_markdown(text: object, longest: int = 500) -> str:
    """One line that Markdown shows as it is, in a table too: no HTML, link, picture, formula or emphasis.

    What TensorBoard's Markdown would not take after a backslash is written by its number, and so is what makes an
    address, of which GitHub's makes a link wherever it stands.

    Args:
        text: anything
        longest: characters that are kept
    """
    shown = re.sub(
        r"[&<|~$]|(?<=:)/(?=/)|(?<=[wW]{3})\.", lambda found: f"&#{ord(found[0])};", printable(text, longest)
    )
    shown = re.sub(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", shown)
    return re.sub(r"(?<=@)(?=[\w-]+\.)", "&#8288;", shown)  # a word joiner: no spelling of @ keeps mail from a link


class PrintableRecord(logging.LogRecord):
    """A record, of whichever logger, whose message moves no cursor; its lines stay lines."""

    def getMessage(self) -> str:
        return "\n".join(printable(line, len(line)) for line in super().getMessage().split("\n"))
