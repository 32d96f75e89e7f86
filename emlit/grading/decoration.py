r"""Without what stands around an answer and says nothing: Markdown, quotes, LaTeX's boxes, colours and fonts."""

import re
from typing import Any

_SYMBOL = "[\\s\u2190-\u21ff\u231a-\u23ff\u25a0-\u27bf\u2b00-\u2bff\u200d\ufe0f\U0001f000-\U0001faff]"
_SYMBOLS = re.compile(rf"\A{_SYMBOL}+|(?<!{_SYMBOL}){_SYMBOL}+\Z")
_MARKED = re.compile(
    r"(?<![\w)}\]*\\])\*+(?=[^\s*])((?:[^*]|(?<=[\s\w])\*(?=[\s\w]))+)(?<!\s)\*+(?![\w({*])|"
    r"(?<![\w_\\])__(?=\S)((?:[^_]|_(?!_))+)__(?!\w)|(?<!`)`+([^`]+)`+|<[A-Za-z]\w*[^<>]*>([^<>]+)</[A-Za-z]\w*>|"
    r"\A\"([^\"]+)\"\Z|\A'([^']+)'\Z|\A“([^”]+)”\Z|\A‘([^’]+)’\Z|\A«([^»]+)»\Z"
)
# Commands whose last argument is what is seen, by the number of those before it.
_SHOWING = {
    name: count
    for count, names in enumerate(
        (
            "boxed fbox framebox bbox underline uline underbrace overbrace cancel bcancel xcancel sout ensuremath "
            "mathbf mathit mathsf mathtt mathcal mathnormal boldsymbol bm pmb num vec hat overrightarrow",
            "textcolor colorbox enclose href",
            "fcolorbox",
        )
    )
    for name in names.split()
}
_HIDING = "color|phantom|hphantom|vphantom|tag|label|hspace|vspace"
_SWITCHES = (
    "tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge displaystyle textstyle scriptstyle "
    "limits nolimits nonumber notag therefore centering checkmark blacksquare qed bf it sf tt sl em bfseries itshape "
    "boldmath"
)
_SWITCH = re.compile(rf"\\(?:{_SWITCHES.replace(' ', '|')})(?![A-Za-z])\s*")
_TEXT = re.compile(r"\\(?:text(?:bf|it|sf|tt|sl|sc|up|md|rm|normal)|emph|hbox|mbox)(?![A-Za-z])")
# A command with an argument, its star and its option; any other command; a brace; all else.
_TOKEN = re.compile(
    rf"\\(?P<ours>{'|'.join(_SHOWING)}|{_HIDING})(?![A-Za-z])\*?\s*(?:\[[^][{{}}\\]*\]\s*)?|\\[A-Za-z]+|\\.|[^\\{{}}]+|.",
    re.DOTALL,
)
_DISPLAY = re.compile(
    r"\\begin\{(?P<name>(?:align(?:ed)?|equation|gather(?:ed)?|displaymath|math|split|center|flalign)\*?|(?<!.\\begin\{)cases)\}"
    r"(?P<lines>.*?)\\end\{(?P=name)\}",
    re.DOTALL,
)
_LINES = re.compile(
    r"\\begin\{(?P<inner>\w+)\}.*?\\end\{(?P=inner)\}|(?P<end>\\\\)(?:\[[^][]*\])?[&\s]*(?P<goes_on>=|\Z)?|&", re.DOTALL
)
_WORD = re.compile(r"[\w\s.,']*|(?P<unit>\s*\\(?:text|mathrm)\{[^{}]*\}\s*)")
_DEEPEST = 40


def undressed(text: str) -> str:
    """Without Markdown and HTML tags, and without emoji and quotes that stand around the whole text."""
    for _ in range(_DEEPEST):
        inner = _MARKED.sub(lambda m: m[m.lastindex or 0], _SYMBOLS.sub("", text))
        if inner == text:
            break
        text = inner
    return text


def plain_latex(text: str) -> str:
    r"""Without boxes, colours, sizes and fonts; \begin{align} and its like become a list of their lines."""
    if "\\" not in text and "{" not in text:
        return text
    for _ in range(2):  # aligned lines in an equation
        text = _DISPLAY.sub(lambda m: _LINES.sub(_line, m["lines"]), text)
    nodes = _nodes(_TEXT.sub(r"\\text", _SWITCH.sub(" ", text)))
    return text if nodes is None else _shown(nodes)


def _line(match: re.Match[str]) -> str:
    if match["inner"]:
        return match[0]
    return "" if not match["end"] else ", " if match["goes_on"] is None else f" {match['goes_on']}"


def _nodes(text: str) -> list[Any] | None:
    """Its tokens, what stands in braces as a list of them; None where braces nest too deep to be an answer."""
    nodes: list[Any] = []
    opened = [nodes]
    for match in _TOKEN.finditer(text):
        if match[0] == "{":
            opened[-1].append([])
            opened.append(opened[-1][-1])
        elif match[0] == "}" and len(opened) > 1:
            opened.pop()
        else:
            opened[-1].append(match)
        if len(opened) > _DEEPEST:
            return None
    for group, parent in zip(opened[:0:-1], opened[-2::-1], strict=True):  # never closed
        parent[-1:] = ["{", *group]
    return nodes


def _shown(nodes: list[Any]) -> str:
    shown: list[str] = []
    place, before = 0, ""  # what was shown last
    while place < len(nodes):
        node, place = nodes[place], place + 1
        name = None if isinstance(node, (list, str)) else node["ours"]
        argument = before[-1:] in ("^", "_") or before[:1] == "\\" and before[-1:].isalpha()
        content = ""
        if isinstance(node, list):
            content = _shown(node)
            bare = not argument and before[-1:] not in tuple("^_]}/") and _WORD.fullmatch(content)
            content = content if bare and (bare["unit"] or not _has_script(nodes, place)) else f"{{{content}}}"
        elif name is None:
            content = node if isinstance(node, str) else node[0]
            if content == r"\rm":  # up to the end of the group that it stands in
                content, place = rf"\mathrm{{{_shown(nodes[place:])}}}", len(nodes)
        else:
            for _ in range(_SHOWING.get(name, 1)):
                place += _is_group(nodes, place)
            if name in _SHOWING and _is_group(nodes, place):
                content, place = _shown(nodes[place]), place + 1
                content = f"{{{content}}}" if argument else f" {content} " if "cancel" in name else content
                if name.endswith("brace") and _has_script(nodes, place) and _is_group(nodes, place + 1):
                    place += 2
        shown.append(content)
        before = content.rstrip() or before
    return "".join(shown)


def _is_group(nodes: list[Any], place: int) -> bool:
    return place < len(nodes) and isinstance(nodes[place], list)


def _has_script(nodes: list[Any], place: int) -> bool:
    return place < len(nodes) and not _is_group(nodes, place) and str(nodes[place][0]).lstrip()[:1] in ("^", "_")
