r"""Without what stands around an answer and says nothing: Markdown, quotes, LaTeX's boxes, colours and fonts."""

import re
import unicodedata

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}]|[^\\{}]+|\\", re.DOTALL)
# Commands whose last argument is what is seen, by the number of their arguments.
_SHOWING = {
    name: count
    for count, names in (
        (
            1,
            "boxed fbox framebox bbox underline uline underbrace overbrace cancel bcancel xcancel sout ensuremath",
        ),
        (1, "mathbf mathit mathsf mathtt mathcal mathscr mathfrak mathnormal boldsymbol bm pmb mathclap"),
        (2, "textcolor colorbox enclose href"),
        (3, "fcolorbox"),
    )
    for name in names.split()
}
# Commands that show nothing, by the number of their arguments.
_SILENT = {
    name: count
    for count, names in (
        (0, "tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge hfill centering strut relax"),
        (0, "displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits mathstrut nonumber notag therefore"),
        (0, "bf it sf tt sl sc em bfseries itshape normalfont boldmath"),
        (1, "color phantom hphantom vphantom tag label hspace vspace require"),
    )
    for name in names.split()
}
_TEXT = re.compile(r"text(?:bf|it|sf|tt|sl|sc|up|md)|emph|hbox")
_DISPLAYS = re.compile(r"(?:align|aligned|equation|gather|gathered|displaymath|math|split|center|flalign)\*?")
_OPTION = re.compile(r"\s*\[[^][]*\]")
_PAIRS = (
    ("**", "**"),
    ("__", "__"),
    ("`", "`"),
    ('"', '"'),
    ("'", "'"),
    ("“", "”"),
    ("‘", "’"),
    ("«", "»"),
    ("*", "*"),
)
_TAGGED = re.compile(r"<([A-Za-z]\w*)[^<>]*>(.*)</\1>", re.DOTALL)
_DEEPEST = 8


def undressed(text: str) -> str:
    """Without emoji, Markdown, HTML tags and quotes that stand around the whole text."""
    for _ in range(_DEEPEST):
        inner = _without_symbols(text)
        tagged = _TAGGED.fullmatch(inner)
        if tagged:
            inner = tagged[2]
        for start, end in _PAIRS:
            if inner.startswith(start) and inner.endswith(end) and len(inner) > len(start) + len(end):
                inside = inner[len(start) : -len(end)]
                if start not in inside:
                    inner = inside
                    break
        if inner == text:
            break
        text = inner
    return text


def _without_symbols(text: str) -> str:
    start, end = 0, len(text)
    while start < end and _is_symbol(text[start]):
        start += 1
    while end > start and _is_symbol(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_symbol(character: str) -> bool:
    return character.isspace() or (
        ord(character) > 0x2300 and unicodedata.category(character) in ("So", "Mn", "Cf", "Sk")
    )


def plain_latex(text: str) -> str:
    r"""Without boxes, colours, sizes and fonts; \begin{align} and its like become a list of their lines."""
    return _without_groups(_without_commands(text)) if "\\" in text or "{" in text else text


def _closings(tokens: list[str]) -> dict[int, int]:
    closings, opened = {}, []
    for place, token in enumerate(tokens):
        if token == "{":
            opened.append(place)
        elif token == "}" and opened:
            closings[opened.pop()] = place
    return closings


def _group_ends(closings: dict[int, int], length: int) -> list[int]:
    """For each token where the group that it stands in ends."""
    ends, within = [], [length]
    for place in range(length):
        if place == within[-1]:
            within.pop()
        ends.append(within[-1])
        if place in closings:
            within.append(closings[place])
    return ends


def _without_commands(text: str) -> str:
    tokens = _TOKEN.findall(text)
    shown: list[str] = list(tokens)
    closings = _closings(tokens)
    ends = _group_ends(closings, len(tokens))
    environments: list[str] = []
    place, kept = 0, ""  # the last token that is shown
    while place < len(tokens):
        token = shown[place]
        name = token[1:].rstrip("*") if token[:1] == "\\" else ""
        following = place + 1
        if name in ("begin", "end"):
            following = _environment(tokens, shown, closings, place, environments)
        elif name == "rm":
            if kept == "{":
                shown[place - 1], shown[place] = r"\mathrm{", ""
            else:  # up to the end of the group that it stands in
                shown[place] = r"\mathrm{"
                shown[ends[place] - 1] += "}"
        elif _TEXT.fullmatch(name):
            shown[place] = r"\text"
        elif name in _SILENT or name in _SHOWING:
            count = _SILENT.get(name, _SHOWING.get(name, 1) - 1)
            shown[place] = ""
            following = _drop(tokens, shown, closings, place + 1, count)
            if name in _SHOWING:
                opening = _argument(tokens, shown, following)
                if opening in closings:
                    _show(shown, opening, closings[opening], name, kept)
                    if name in ("underbrace", "overbrace"):
                        _drop_script(tokens, shown, closings, closings[opening] + 1)
                    following = opening
        elif environments and _DISPLAYS.fullmatch(environments[-1]):
            if token == "\\\\":
                rest = tokens[place + 1].lstrip("& \n\t") if place + 1 < len(tokens) else ""
                shown[place] = " " if rest[:1] in ("=", "") else ", "
            elif token not in "{}":
                shown[place] = token.replace("&", "")
        kept = next((shown[p] for p in range(following - 1, place - 1, -1) if shown[p].strip()), kept)
        place = following
    return "".join(shown)


def _argument(tokens: list[str], shown: list[str], place: int) -> int:
    """Where the next argument starts; an option in square brackets and spaces before it are not shown."""
    if place < len(tokens) and (option := _OPTION.match(tokens[place])):
        shown[place] = tokens[place][option.end() :]
    if place < len(tokens) and not shown[place].strip():
        shown[place] = ""
        place += 1
    return place


def _drop(tokens: list[str], shown: list[str], closings: dict[int, int], place: int, count: int) -> int:
    for _ in range(count):
        opening = _argument(tokens, shown, place)
        if opening not in closings:
            return place
        place = closings[opening] + 1
        shown[opening:place] = [""] * (place - opening)
    return place


def _drop_script(tokens: list[str], shown: list[str], closings: dict[int, int], place: int) -> None:
    if place < len(tokens) and tokens[place].strip() in ("_", "^") and place + 1 in closings:
        end = closings[place + 1] + 1
        shown[place:end] = [""] * (end - place)


def _show(shown: list[str], opening: int, closing: int, name: str, kept: str) -> None:
    r"""x^\mathbf{12} keeps its braces; a cancelled factor keeps its distance from the next digit."""
    if kept[-1:] in ("^", "_") or kept[:1] == "\\" and kept[-1:].isalpha():
        return
    shown[opening] = shown[closing] = " " if "cancel" in name else ""


def _environment(
    tokens: list[str], shown: list[str], closings: dict[int, int], place: int, environments: list[str]
) -> int:
    end = closings.get(place + 1)
    if end is None:
        return place + 1
    name = "".join(tokens[place + 2 : end])
    if name == "cases" and place == 0:  # a system of equations
        name = "align"
    if _DISPLAYS.fullmatch(name) or name == "cases" and environments[:1] == ["align"] and len(environments) == 1:
        shown[place : end + 1] = [""] * (end + 1 - place)
    if tokens[place] == r"\begin":
        environments.append(name)
    elif environments:
        environments.pop()
    return end + 1


def _without_groups(text: str) -> str:
    """Without braces around one number or word that is nobody's argument: {18} cm."""
    tokens = _TOKEN.findall(text)
    closings = _closings(tokens)
    shown: list[str] = list(tokens)
    previous = ""
    for place in range(len(tokens)):
        end = closings.get(place)
        if end is not None and not (
            previous[:1] == "\\" and previous[-1:].isalpha() or previous.rstrip()[-1:] in tuple("^_]}/")
        ):
            after = tokens[end + 1].lstrip()[:1] if end + 1 < len(tokens) else ""
            plain = end == place + 2 and re.fullmatch(r"[\w\s.,']*", tokens[place + 1])
            unit = tokens[place + 1] in (r"\text", r"\mathrm") and closings.get(place + 2) == end - 1
            if (plain or unit) and after not in ("^", "_"):
                shown[place] = shown[end] = ""
        if shown[place]:
            previous = shown[place]
    return "".join(shown)
