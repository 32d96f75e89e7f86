"""Text from outside, made fit for a terminal, a log or an error message."""


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
