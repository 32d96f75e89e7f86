r"""An answer that is stated in words: "The answer is **18**, since …", "Final Answer" as a heading, "#### 18"."""

import re

from emlit.grading.spoken import counted, sole

_WINDOW = 1000  # characters after a mark that are read
_MARKS = 32  # the last ones, which are tried
_MARK = re.compile(
    r"(?P<tag><(?P<name>(?:final_)?answer)>)|(?P<hashes>####(?!\s*(?:step|part|case|stage) ?\d))|"
    r"(?<![A-Za-z])(?P<short>ans\.|(?:an?|the|our)(?: final)? answer of(?= ?[-+$\\\d*(]))|"
    r"(?<![A-Za-z])(?:an(?:s|swers?)|antwort|réponse|respuesta|resposta|risposta|ответ|답|정답)(?![A-Za-z])|"
    r"\b(?:correct|right|best|final) (?:option|choice)\b|答案|答え|答(?=[:：])",
    re.IGNORECASE,
)
# What stands between the mark and the value: "to the problem is", "**:", "\n\n" below a heading.
_QUOTE = r"(?:\"[^\"\n]{1,200}\"|“[^”\n]{1,200}”)"
_LINK = re.compile(
    rf"[*_`\"')\]]{{0,4}}(?:[ ,(](?:(?:: ?)?{_QUOTE}|[^\n.:=：$\\\"“]){{0,60}}?)?[*_`' ]{{0,4}}(?:"
    r"\b(?:is|are|was|be|equals?|ist|lautet|est|es|è|é)\b(?! (?:looking|asked|seeking|trying))|"
    rf"[:：=是为為选選→は은](?! ?{_QUOTE} (?:is|are)\b)|[-=]>|\s[–—]\s)",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|never|cannot|could|might|may)\b|n['’]t\b")
# In front of the mark: this speaks of an answer, and does not give it.
_SPOKEN_OF = re.compile(
    r"\b(?:this|that|your|another|other|any|no|wrong|incorrect|if (?:the|my|our)(?: final| correct)?|"
    r"(?:(?:might|may|could|would|to) (?:think|say|believe|assume|suppose|conclude)|"
    r"doubt|not true|unclear|whether)(?: that)?(?: the)?) \Z",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"(?:</\w+>|[^\w\n]){0,12}\n(?:[=_*-]{3,}\n)?|"
    r"[*_]{0,3} (?=(?:\$[^$\n]+\$|\\\([^\n]+\\\)|\*\*[^*\n]+\*\*|(?<=[*_] )[-+$]?\d[\d.,/]*)[ .]*(?:\n|\Z))"
)
_BEFORE_HEADING = re.compile(r"(?:<\w+>|[^\w\n])*(?:(?:the|my|our|final|correct|short)\s+)*", re.IGNORECASE)
_FILLER = re.compile(
    r"(?:therefore|thus|hence|so|then|simply|either|just|exactly|approximately|about|roughly|equal to|given by|clearly|"
    r"indeed|actually|as follows|definitely|certainly|obviously|surely|precisely|undoubtedly|of course|the following|"
    r"at (?:the point )?(?=[($\\])|still|again|a total of|also|now|is|be|that|found to be|approx\.|around|only|finally|"
    r"overall|(?:the )?(?:option|choice|number|letter|value)(?! (?:of|for|in|that|which|when|at|we)\b))"
    r"(?![A-Za-z])[,:]?\s*",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(r"(?:not|obtained|derived|based|found)\b", re.IGNORECASE)
# Words that speak of an answer, where another statement gives one: an integer, rounded, the sum of both.
_SAID_OF_IT = re.compile(
    r"(?!(?:yes|no|none|true|false|undefined|unbounded|infinit\w+|impossible|indeterminate)\b)[a-z](?=.*[a-z]{3})"
    r"[^\d\\$=+*/^<>()]*|(?:the (?:sum|product|difference|ratio|result)|less|greater|larger|smaller) (?:of|than) .*"
)
_WRAPPED = re.compile(
    r"\*\*(?=\S)(?P<bold>[^*\n]+(?:\*(?!\*)[^*\n]*)*)\*\*|\*(?=\S)(?P<italic>[^*\n]+)\*|__(?P<under>[^_\n]+)__|"
    r"`+(?P<code>[^`\n]+)`+|\"(?P<quote>[^\"\n]+)\"|“(?P<quotes>[^”\n]+)”|"
    r"<(?P<tag>[A-Za-z]\w*)[^<>\n]{0,80}>(?P<html>[^<>\n]+)</(?P=tag)>"
)
_MATHS = re.compile(
    r"\$\$(?P<display>(?:[^$\\]|\\.)+)\$\$|\\\[(?P<square>(?:[^\\]|\\[^\]])+)\\\]|\\\((?P<round>(?:[^\\]|\\[^)])+)\\\)|"
    r"\\begin\{(?P<name>align\*?|equation\*?|gather\*?|displaymath|math)\}(?:(?:[^\\]|\\(?!end\{))+)"
    r"\\end\{(?P=name)\}|\$(?P<inline>(?:[^$\\\n]|\\.)+)\$(?!\d)",
    re.DOTALL,
)
_UNIT = re.compile(
    r" ?\\?%| (?:cm|mm|km|m|kg|g|mg|s|min|h|ft|mph|inch(?:es)?|feet|foot|met(?:er|re)s?|hours?|minutes?|seconds?|days?|"
    r"(?:hundred|thousand|million|billion|trillion)s?|dozen|percent|squared|cubed|factorial|"
    r"halves|thirds|quarters)\b(?:\^\d|[²³])?"
)
# Between the quantities of one answer: $3$ hours and $20$ minutes, $2$ and a half.
_PART = r"[a-z]+[ -](?:half|halves|(?:third|quarter|fourth|fifth|sixth|eighth|tenth)s?)\b"
_GOES_ON = re.compile(
    r"(?: (?!(?:since|because|as|so|for|if|when|where|which|while|with|at|from|after|using|given|assuming|provided|"
    r"rather|instead|by(?= [a-z]))\b)[A-Za-z]+){0,2}"
    r"(?:\s*(?:,|,?\s(?:and|or)\b)\s*(?:(?:maybe|perhaps|possibly)\s)?|[-–]|(?<=[a-z])\s)"
    rf"(?=\$|\\\(|\*\*|(?:[*_`\"]|<\w+>)[-+$\d]|\d[\d./]*(?:{_UNIT.pattern})|{_PART}|"
    r"(?<=\bor )[-+]?\d|[-+]?\d[\d./,]*[.!]?\s*(?:\n|\Z))"
)
# What stands right behind a formula, or another one, is a part of the answer: $5$/2, $x^2$ + C, $18$ $19$.
_OPERATED = re.compile(
    r" ?(?:[-+*/^:=]|\\(?:pm|cdot|times)) ?(?=[\d$\\(]|[A-Za-z](?![A-Za-z]))|(?=\.\d|\w(?<!_))| (?=[$\"]|\\\(|[-+]?\d)"
)
_MORE = re.compile(rf"{_PART}|\d[\d./]*")
# Where plain words stop to be the answer.
_END = re.compile(
    r"(?<!\b[MD]r|\b[SM]t|\bMs)(?<!\bMrs)[.!?](?=[\s*_\"'”’)`]*(?:$|\s(?!(?:Or|Alternatively|Possibly|Perhaps|Maybe)\b)[A-Z“\"*(✅]|</))|[。！？]|</|"
    r"(?<! for)(?<! in)(?<! at),?\s(?:because|since|so|as|which|where|who|therefore|thus|hence|due to|given that|"
    r"in total|in all|altogether|i\.e\.)(?!\w)|\s—(?!\s?(?:or|perhaps|possibly|maybe)\b)|\s[-–]\s(?=[A-Za-z]{3,} )"
)
_CLAUSE = re.compile(
    r",\s(?:(?!(?:and|or)\b)[a-z]{2,}[, ]\s?[a-z]|not\s|I\s|\")|"
    r"[;:]\s(?!(?:and|or|perhaps|possibly|maybe)\b)(?=[a-z]{2,} )"
)
_SHORT_START = re.compile(r"[^A-Za-z]*\d|\W*(?:[A-Za-z]|yes|no|true|false)(?=\)|,|[;:] | \()", re.IGNORECASE)
_HEDGE = r"(?:or|perhaps|possibly|maybe|alternatively)\b"
_REMARK = re.compile(r"\s\((?!mod\b|" + _HEDGE + r")(?=[^()]*(?:[A-Za-z]{4,}|[a-z]{2,} [a-z]{2,}|\$|=))")
# What it is the value of, up to the value: the largest $n$ is, $x$ equals.
_NAMED = re.compile(
    r"(?!there\b|no(?:ne)?\b|\w+,|[*_$]*(?:(?-i:\(?[A-J](?:\)|[.:,] |[*_$]* [-–(]))|\([a-j]\))|"
    r"[^A-Za-z\n]*\d|\$[^$\n]*=[^$\n]*\$)"
    r"(?P<what>(?:\$(?:[^$\\\n]|\\.)++\$|\\\([^\n]+?\\\)|\.(?=\d)|[^\n.!?;:$\\])+)\s(?:is|are|was|equals)\b",
    re.IGNORECASE,
)
_TWO = re.compile(r"\s(?:is|are|was|equals)\s.*(?:,|\b(?:and|or|but|while|if|then|when|for|at|with)\b)")  # x is 5 and y
_OUTER = "*_`\"'“”’ \t,;:.!?。！？"
_BEFORE = re.compile(rf"(?:(?!\.\d)[{_OUTER}])*")  # but a decimal point
_SPECIAL = re.compile(r"<[|｜][^<>|｜\n]{1,40}[|｜]>|</s>|<(?:eos|end_of_turn)>")
_CONCLUSION = re.compile(
    r"(?:(?:(?:therefore|thus|hence|so),? )?(?:the |our )?(?:final )?(?:solution|result)s?(?: (?:is|are)\b:?|\**:)\**|"
    r"(?:therefore|thus|hence|so)\b[,:]?|(?:因此|所以|故)[，,]?)\s*",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"(?:(?:therefore|thus|hence|so)\b,?\s+)?(?:(?:the )?(?:correct )?(?:option|choice) |[(*]*(?=(?-i:[A-J])\b))"
    r"\(?(?P<letter>[A-J])[)*]* is (?:the )?(?:correct|right|best|answer)(?: (?:one|answer|option|choice))?|"
    r"(?:(?:[^\n]{0,200}[。，,\s])?(?:故|因此|所以|应|综上)?[，,]?(?:本题)?选(?:择|项)?[:：]?|"
    r"(?:I(?: would)? )?(?:choose|pick|select|go with)(?: option)?|(?:my )?choice(?:\**:| is)|the correct one is)"
    r"\s*[(（*]*(?P<chosen>[A-J])[)）]?(?:项|选项)?",
    re.IGNORECASE,
)
_LETTERED = re.compile(r"\A(?:(?:the )?(?:correct )?(?:option|choice|letter) )\(?([A-J])\)?[,:] ", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?。])\s+(?=[^\s])")
_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>|◁/think▷", re.IGNORECASE)
_SHORT = re.compile(
    r"(?:[A-Za-z](?:_\w)? ?= ?)?[+-]?(?:\\?\$|[^\w\s\\])?\.?\d[\d.,/]*%?(?: [^\W\d_]+){0,2}|\(?[A-H]\)?|"
    r"(?i:yes|no|true|false)"
)
# Of 7 + 4 = 11 the result, in mathematics or not.
_CALCULATED = re.compile(
    r"(?:\\\( ?|\$)?\.?\d(?:[\d.,+*/×()-]|x|\\times|\\cdot|\\div|\\?\$| )*= ?((?:\\?\$)?[\d.,]*\d)(?: ?\\\)|\$)?|"
    r"\\\( ?((?:\\?\$)?[\d.,]*\d) ?\\\)"
)


def without_thinking(text: str) -> str:
    """What is said after the thinking in tags; all of it where nothing is."""
    said = _THOUGHT.split(text)[-1]
    return said if _SPECIAL.sub("", said).strip() else text


def stated(text: str) -> str | None:
    """The last answer that a text states, as it is written there; None where it states none."""
    text = _SPECIAL.sub("", text)
    remark = None
    for mark in reversed(list(_MARK.finditer(text))[-_MARKS:]):
        answer = _stated_at(text, mark)
        spoken_of = not mark.lastgroup and text.startswith(" ", mark.end())  # the answer is, and no heading
        if answer and spoken_of and _SAID_OF_IT.fullmatch(answer) and not counted(answer):
            remark = remark or answer
        elif answer and r"\boxed" not in answer:  # which was not closed
            return answer
    return remark or _concluded(text)


def _stated_at(text: str, mark: re.Match[str]) -> str | None:
    window = text[mark.end() : mark.end() + _WINDOW]
    line = text.rfind("\n", max(0, mark.start() - _WINDOW), mark.start()) + 1
    if mark["tag"]:
        end = re.search(f"</{mark['name']}>", window, re.IGNORECASE)
        return _in_tags(window[: end.start()]) if end else None
    if mark["short"]:
        return _value(window.partition("\n")[0])
    if mark["hashes"]:
        return None if text[line : mark.start()].strip("*> \t") else _value(window.partition("\n")[0])
    link = _LINK.match(window)
    if link is not None and (
        _DENIED.search(link[0]) or _SPOKEN_OF.search(text, max(0, mark.start() - 40), mark.start())
    ):
        return None
    if link is not None:
        return _value(window[link.end() :])
    heading = _HEADING.match(window)
    if heading is not None and _BEFORE_HEADING.fullmatch(text, line, mark.start()):
        return _value(window[heading.end() :])
    return None


def _in_tags(content: str) -> str | None:
    """Of several lines that are nothing but values none is left out."""
    lines = [bare for line in content.splitlines() if (bare := _bare(line).strip("$"))]
    return ", ".join(lines) if len(lines) > 1 and all(map(_SHORT.fullmatch, lines)) else _value(content)


def _value(text: str) -> str | None:
    """The value at the start of a text."""
    start = re.match(r"(?:</\w+>|[\s:：>}])*", text)
    assert start is not None  # it may be empty
    text = text[start.end() :]
    if "\n" in start[0]:
        text = re.sub(r"^(?:[-+•]|\*(?!\*)|#+)\s+", "", text)
    text = _LETTERED.sub(r"(\1) ", text)
    while filler := _FILLER.match(text):
        text = text[filler.end() :]
    if _NO_ANSWER.match(text):
        return None
    line = text.partition("\n")[0]
    named = _NAMED.match(line[: end.start()] if (end := _END.search(line, 1)) else line)
    if named is not None and not _TWO.search(named["what"]):
        return _value(text[named.end() :]) or _plain(line)
    maths = _MATHS.match(text)
    if maths is not None:
        inline = maths["inline"] or maths["round"]
        return _plain(line) if inline and _OPERATED.match(line, maths.end()) else _formula(text, maths)
    wrapped = _WRAPPED.match(text)
    if wrapped is not None:
        content = next(content for name, content in wrapped.groupdict().items() if content and name != "tag")
        if any(each.match(line, wrapped.end()) for each in (_GOES_ON, _UNIT, _OPERATED)):
            content += line[wrapped.end() :].replace("**", "")
        return _value(content)
    bare = text.lstrip("*_` ")
    if bare != text:
        return _value(bare)
    return _plain(line)


def _formula(text: str, maths: re.Match[str]) -> str | None:
    content = next((maths[name] for name in ("display", "square", "round", "inline") if maths[name]), maths[0])
    end = maths.end()
    while joint := _GOES_ON.match(text, end):
        more = _MATHS.match(text, joint.end()) or _MORE.match(text, joint.end())
        if more is None:
            break
        end, content = more.end(), text[maths.start() : more.end()]
    if unit := _UNIT.match(text, end):
        content = text[maths.start() : unit.end()]
    return content.strip().rstrip(".,;").strip() or None


def _plain(line: str) -> str | None:
    ends = [match.start() for match in (_END.search(line, 1),) if match]
    if _SHORT_START.match(line):  # after a number, a letter, yes or no, a clause or a remark is no part of it
        ends += [match.start() for match in (_CLAUSE.search(line), _REMARK.search(line)) if match]
    answer = _bare(line[: min(ends, default=len(line))])
    while answer[-1:] in tuple(")]}") and _opened(answer) < 0:
        answer = _bare(answer[:-1])
    return sole(answer) or answer or None


def _bare(text: str) -> str:
    """Without marks and punctuation around it."""
    return _BEFORE.sub("", text, count=1).rstrip(_OUTER)


def _opened(text: str) -> int:
    return sum(text.count(bracket) for bracket in "([{") - sum(text.count(bracket) for bracket in ")]}")


def _concluded(text: str) -> str | None:
    """A last line "Therefore, 18."."""
    last = text.rstrip()
    last = _bare(last[last.rfind("\n", max(0, len(last) - _WINDOW)) + 1 :])
    if last == _bare(text.strip()) and (_SHORT.fullmatch(last) or _MATHS.fullmatch(last)) and r"\boxed" not in last:
        return last  # nothing else is said
    last = _SENTENCE.split(last)[-1]
    if choice := _CHOICE.fullmatch(last):
        return choice["letter"] or choice["chosen"]
    said = _CONCLUSION.match(last)
    if said is None:
        return None
    maths = _MATHS.fullmatch(last, said.end())
    answer = _formula(last, maths) if maths else _value(_CALCULATED.sub(r"\1\2", last[said.end() :]))
    worded = answer and last.endswith((f"{answer}$", f"{answer}\\)", f"{answer} \\)"))  # the probability is $x$
    return answer if answer and (maths or worded or _SHORT.fullmatch(answer)) else None
