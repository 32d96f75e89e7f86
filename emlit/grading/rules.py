"""What one way of writing replaces, in order: fractions, units, names of functions, words between answers."""

import re

_FUNCTIONS = "arcsinh|arccosh|arctanh|arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|ln|log|exp|sqrt|pi"
_OR = "(?:and|or|oder|und|et|ou|или|и|或|和)"
_TH = "(?:st|[nr]d|th)"
_GREEK = "pi|alpha|beta|gamma|theta|phi|lambda|mu|sigma|omega"
_SHORT = r"(?:\\[A-Za-z]++|[0-9A-Za-z])"
_ABOVE = r"((?:[^{}\\]|\\(?!over|choose)|(?<!\\)\{[^{}]*\})*+)"
_BELOW = r"((?:[^{}]|(?<!\\)\{[^{}]*\})*+)"


def _rules(*rules: tuple[str, str]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(pattern), replacement) for pattern, replacement in rules]


# Before what stands in front of an answer is read.
DELIMITERS = _rules(
    (r"(?<!\\)\$\$+", "$"),
    (r"(?<!\\)\$ ?(?:,|(?:, )?(?:and|or)(?= )) ?\$", ", "),  # $69$,$84$ is two answers
    (r"(?<!\\)\$((?:[^$\\]|\\.)+)\$(?!\d)", r"\1"),  # the delimiters of mathematics; other dollars are prices
    (r"\\?\$(?= ?\.?\d)|(?<=\d) ?\\?\$", r"\\$"),
    (r"(?<!\\)\$", ""),
    (r"(?<!\\)\\[()\[\]]", " "),
    (r"(?<=[\w)}]) ?\\q?quad ?(?=[A-Za-z](?:_\{?\w\}?)? ?=)", ", "),
)
RULES = _rules(
    (r"\\(?:m?left|m?right|middle|mathopen|mathclose|[bB]igg?[lrm]?)(?![a-zA-Z])\.?", ""),
    (r"(?<!\\)\\! ?", ""),
    (r"(?<!\\)\\[,;:> ]|~", " "),
    (
        r"(?<=\d) ?/ ?(?=(?:\\text ?\{ ?)?(?:hour|hr|minute|min|second|sec|day|week|month|year|yr|person|item|each|"
        r"pound|lb|ounce|oz|kg|gallon|mile)(?![A-Za-z(]))",
        " per ",
    ),
    (r"(?<=\d) ?x ?(?=10 ?\^)|(?<=\d) x (?=\\?\$?\d)", r"\\times "),
    (r"\*\*(?=\S)", "^"),
    (r"!=(?!=)|\\not ?=", r"\\neq "),
    (r"\{([:;=])\}", r"\1"),
    (r"\A(?:negative|minus) (?=[\d\\])", "-"),
    (r"\.{3,}", r"\\ldots "),
    (r"(?<=\d) ?\\text\{ ?k ?\}", " thousand"),
    (r"(?<=\d) ?\\frac ?\{ ?(k?m|mi|ft|k?g|L) ?\} ?\{ ?(s|h|hr|min|L)((?: ?\^ ?\{?\d\}?)?) ?\}", r" \1/\2\3"),
    (r"(?<=\d) ?(?:\\text ?\{ ?to ?\}|to) ?(?=\d)", ":"),
    (r"(?<=\d) (?:out of|in(?= \d+\Z)|\\text ?\{ ?out of ?\}) ?(?=\d)|(?<=\d)\\text ?\{ ?out of ?\} ?(?=\d)", "/"),
    (r"(?<=\d) dollars?,? (?:and )?(\d\d) cents?(?![a-z])", r".\1 dollars"),
    (r"(?<=[)\]}]) ?U ?(?=[(\[\\])", r"\\cup "),
    (r"\A(?:[A-Za-z] ?\\in ?)?\\mathbb ?\{?R ?\}? ?[_^] ?\{? ?\+ ?\}?\Z", r"(0,\\infty)"),
    (r"\\begin\{array\} ?\{[clr]\}((?:[^&\\]|\\(?!begin|end)[A-Za-z])*)\\end\{array\}", r"\1"),
    (r"\\{ ?\\}", r"\\emptyset "),
    (r"\\sqrt ?\[ ?(\d*[13579]) ?\] ?\{ ?- ?((?:[^{}+-]|\{[^{}]*\})*)\}", r"(-\\sqrt[\1]{\2})"),
    (r"\\(?:lg|(?:mathrm|operatorname) ?\{ ?lg ?\})(?![a-zA-Z])", r"\\log_{10}"),
    (r"(?<!\\)\\(?:&|(?:lor|vee)(?![a-zA-Z])(?=[^,]{0,60}(?:[<>=]|\\(?:leq|geq|neq|in)(?![a-z]))))", ", "),
    (rf"(?:, ?)?\\(?:text|mathrm)\{{ ?,? ?{_OR} ?\}}", ", "),
    (rf"(?:(?<=[\w)}}\]] )|, ?){_OR}(?= [\w\\({{-])|(?<=[)\]}}]){_OR}(?=[(\[\\{{])|(?<=\d) ?[或和] ?(?=\S)", ", "),
    (
        r"(?<=[^ ,;:(])(?=[ ,;:(]|\\text)[,;:]? ?\(? ?(?:\\text ?\{ ?)?,? ?(?:(?:where|with|for|such that) )?"
        r"(?:any |all |every |each |some |\\forall )?(?:integers?(?![a-z]) ?\}? ?([a-z])(?![a-z])|"
        r"\}? ?([a-z])(?: ?\\in ?(?:\\mathbb ?\{? ?)?Z ?\}?| (?:\\text ?\{ ?)?(?:is )?(?:an |any )?integer ?\}?))\)?\Z",
        r", \1\2 \\in \\mathbb{Z}",
    ),
    (r"\\(?:mathrm|operatorname) ?\{ ?([ei]) ?\}", r"\1"),
    (r"\\(?:mathrm|operatorname) ?\{ ?(arc)?tg ?\}", r"\\\1tan "),
    (rf"\\(?:mathrm|operatorname) ?\{{ ?({_FUNCTIONS}) ?\}}", r"\\\1 "),
    (r"\\mathbb ?([A-Z])(?![A-Za-z])", r"\\mathbb{\1}"),
    (r"\\(frac|binom) ?(\\pi(?![A-Za-z])|[0-9A-Za-z])", r"\\\1{\2}"),  # \frac12 is a half, \frac123 three halves
    (r"(\\(?:frac|binom) ?\{[^{}]*\}) ?(\\pi(?![A-Za-z])|[0-9A-Za-z])", r"\1{\2}"),
    (rf"(?:(?<!\\)\{{|\A) ?{_ABOVE}\\over(?![a-z]){_BELOW}(?:\}}|\Z)", r"\\frac{\1}{\2}"),
    (rf"(?:(?<!\\)\{{|\A) ?{_ABOVE}\\choose(?![a-z]){_BELOW}(?:\}}|\Z)", r"\\binom{\1}{\2}"),
    (
        r"\\frac ?\{ ?(\\(?:text|mathrm) ?\{[^{}]*\}) ?\} ?\{ ?(\\(?:text|mathrm) ?\{[^{}]*\}(?: ?\^ ?\{?\d\}?)?) ?\}",
        r"\1/\2",
    ),
    (r"(\\\$ ?[\d.,]*\d) ?(?:\\text ?\{ ?)?[kK](?![A-Za-z])(?: ?\})?", r"\1 thousand"),
    (r"(\\\$ ?[\d.,]*\d) ?(?:\\text ?\{ ?)?(?:M|mn)(?![A-Za-z])(?: ?\})?", r"\1 million"),
    (rf"_ ?({_SHORT}(?! ?\{{)|\\(?:text|mathrm) ?\{{[^{{}}]*\}})", r"_{\1}"),
    (r"(?<=\d) ?\^ ?\{? ?o ?\}?(?![A-Za-z])", r"^\\circ "),
    (r"(?<=\d) ?\\(?:text|mathrm) ?\{ ?([einqrx-z]|pi) ?\}", r" \1"),
    (rf"(?<=\d) ?\^? ?\{{? ?\\(?:text|mathrm) ?\{{ ?{_TH} ?\}} ?\}}?|(?<=\d)(?:\^ ?\{{{_TH}\}}|{_TH}(?![A-Za-z]))", ""),
    (r"\b(?:np|numpy|math|sympy|sp)\.(?=[a-z])", ""),
    (rf"(?<![\\A-Za-z])(?!sec\W*\Z)({_FUNCTIONS})(?![A-Za-z])", r"\\\1"),
    (r"(?<![\\A-Za-z])(?:[Ii]nfinity|infty|inf|oo)(?![A-Za-z])", r"\\infty"),
    (r"(?<=[\d}]) ?(?:\\text ?\{ ?)?(?:per ?cent(?:age)?|pct)(?![A-Za-z])(?: ?\})?", r"\\%"),
    (r"(?<=%) ?(?:\\text ?\{ ?)?(?:of (?=[a-z]{3})|(?:increase|decrease|off|discount|profit|loss)\b)[a-z ]*\}?\Z", ""),
    (
        r"\\p?mod ?(\d+)|\( ?\\?b?mod (\d+) ?\)|(?<=\w) ?\\text ?\{ ?\(?mod ?(?:\} ?)?(\d+)[)}]*|(?<=\w) mod (\d+)",
        r"\\pmod{\1\2\3\4}",
    ),
    (r"\^ ?([+-]? ?\d+|-?[A-Za-z])", r"^{\1}"),
    (r"(?<![\w!])(\w+)! ?(?=\^)", r"(\1!)"),
    (r"(?<=\d)\{(\\frac ?\{\d+\} ?\{\d+\})\}", r"\1"),  # 2{\frac25}
    (r"\\(max|min) ?\\\{([^{}]*)\\\}", r"\\\1(\2)"),
    (
        rf"\\sqrt ?(\[[^][]*\])? ?(\\frac ?\{{[^{{}}]*\}} ?\{{[^{{}}]*\}}|\\(?:{_GREEK})(?![a-z])|(?<=\]) ?\w)",
        r"\\sqrt\1{\2}",
    ),
    (r"\\sqrt ?\(((?:[^()]|\([^()]*\))*)\)", r"\\sqrt{\1}"),
)
