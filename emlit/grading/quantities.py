"""A quantity's number and its unit: 5 cm is 5, and is not 5 m; €5 is 5, and is not $5."""

import re

# Names that mean the same unit. Prefixes are not converted: 5 cm is not 0.05 m, as the problem names the unit it wants.
_NAMES = {
    "cm": "centimeter centimetre", "m": "meter metre", "km": "kilometer kilometre", "mm": "millimeter millimetre",
    "kg": "kilogram", "g": "gram gm", "mg": "milligram", "s": "second sec", "min": "minute", "h": "hour hr",
    "in": "inch inche inches", "ft": "foot feet", "yd": "yard", "mi": "mile", "lb": "lbs", "oz": "ounce",
    "L": "l liter litre", "ml": "milliliter millilitre", "degree": "deg \\circ", "\\$": "dollar usd us\\$ \\textdollar",
    "cent": "¢", "erg": "ergs", "pc": "parsec", "year": "yr", "gallon": "gal", "day": "d", "ev": "electronvolt",
    "J": "joule", "N": "newton", "W": "watt", "V": "volt", "pa": "pascal", "hz": "hertz", "K": "kelvin",
    "F": "fahrenheit", "\\omega": "ohm", "\\aa": "angstrom", "rad": "radian", "arcsec": "arcsecond", "T": "tesla",
    "C": "coulomb celsius", "A": "ampere amp", "mol": "mole", "": "unit", "week": "wk", "month": "mo",
    "€": "eur euro \\euro \\texteuro \\eur", "£": "gbp \\pounds \\textsterling sterling quid", "₹": "inr rupee rs",
    "元": "cny rmb yuan 块 圓 圆 人民币", "円": "jpy yen", "₩": "krw won 원", "₽": "rub ruble rouble",
    "%": "percent pct percentage", "米": "公尺", "厘米": "公分", "千克": "公斤", "個": "个 箇",
}  # fmt: skip
# What one sign or word may mean.
_MEANINGS = {"¥": ("元", "円"), "pound": ("lb", "£"), "\\yen": ("元", "円")}
_SAME = {other: name for name, others in _NAMES.items() for other in others.split()}
_WORDED = "|".join(name for name in [*_NAMES, *_SAME] if name.isascii() and name.isalpha() and len(name) > 3)
# What one letter is a unit beside: 5 N/m, 5 m^3/s.
_PER = r"(?:[ckm]m|kg|mol|min|[msgKChLNAVJ])(?: ?\^ ?\{?\d\}?)?"
_BARE = (
    rf"(?:square |cubic |sq\.? |cu\.? |U\.?S\.? )?(?:(?:{_WORDED}|pound|gallon|magnitude|day|yen|won|erg|ohm)s?|"
    r"(?:sec|hr|lb|min|yr|yd)s?|oz|m[lL]|gal|kWh|(?<=\d )(?:in|mi)|km?ph|cm|km|mm|kg|m/s|mph|ft|"
    r"k?Hz|[MG]Hz|[kMG]?eV|[kM]?pc|mol|rad|(?<=\d )(?:nm|[kMG]?Pa|atm|k?J|MJ|dB|ppm|"
    rf"[NJWVCAKTgmL](?=(?: ?\^ ?\{{?\d\}}?)?(?: ?/ ?{_PER})+(?![A-Za-z/]))))"
)
_COMMAND = r"\\(?:text|mathrm|operatorname)\s*\{(?!\s*\d)((?:[^{}]|\{[^{}]*\})*)\}"
_SIGN = "[€£¥¢¤؋৳﷼฿₠-⃀￡￥￦]"
_CODES = (
    "USD EUR GBP JPY CNY RMB INR KRW CHF CAD AUD NZD HKD SGD SEK NOK DKK RUB BRL MXN TRY PLN CZK HUF THB PHP IDR"
    " MYR VND ILS AED SAR EGP NGN PKR BDT TWD KES GHS UAH kr zł"
).replace(" ", "|")
_CODE = rf"(?:(?:A|C|S|R|[A-Z]{{2}}) ?\\?[$¥]|Rs\.?|{_CODES})"
_COMMANDED = r"\\(?:pounds|textsterling|euro|texteuro|EUR|yen|textyen|cent|textdollar)(?![a-zA-Z])"
_CURRENCY = rf"(?:\\\$|{_SIGN}|(?<![A-Za-z\\]){_CODE}(?![A-Za-z])|{_COMMANDED})"
_PRICE = re.compile(
    rf"(?P<sign>[+-]?) ?(?:\\(?:text|mathrm) ?\{{ ?(?P<worded>{_CURRENCY}) ?\}}|(?P<currency>{_CURRENCY})) ?"
    r"(?P<value>[+-]?[\d.\\(].*)",
    re.DOTALL,
)
_SCRIPT = "[\u0400-\u04ff\u0590-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
_CELSIUS = r"\^\s*\{?\s*\\circ\s*\}?\s*(?:\\(?:text|mathrm)\s*\{\s*[CFK]\s*\}|[CF](?![A-Za-z]))"
_FACTOR = (
    rf"(?:{_COMMAND}|{_CELSIUS}|\\(?:mu|AA|Omega|degree|circ)(?![a-zA-Z])|(?<![A-Za-z\\]){_BARE}(?![A-Za-z])|"
    rf"{_CURRENCY}|{_SCRIPT}|\\?%)"
)
_POWER = r"(?:\s*\^\s*(?:\{\s*-?\s*\d+\s*\}|-?\d))?"
_PARENTHESISED = rf"\(\s*{_FACTOR}[^()=+]{{0,60}}\)"
# The text in pieces: a factor of a unit, what joins two factors, or one character of something else.
_PIECES = re.compile(
    rf"(?P<factor>(?:{_FACTOR}|{_PARENTHESISED}|(?<=/)[A-Za-z](?![A-Za-z])){_POWER})|(?P<joint>\\cdot|/|\bper\b|\s+)|.",
    re.DOTALL,
)
_DEGREES = re.compile(r"(?P<head>.*[\w)}\]])\s*\^\s*\{?\s*(?P<mark>\\circ|\\prime(?:\s*\\prime)?)\s*\}?", re.DOTALL)
# A word, not a product: four letters, or three with a vowel behind the first, or another word behind them.
_WORDS = re.compile(
    r"(?P<head>[+-]?(?:[\d.,/ ]*\d|[\d ]*\\frac ?\{\d+\} ?\{\d+\}))\s+(?P<unit>(?:[A-Z]{2} )?(?:[A-Z]-)?"
    r"(?:[^\W\d_]{4,}|(?!max|abs|det|dim|mod)[A-Za-z](?:[aeiou][a-z]|[a-z][aeiou])|[A-Za-z]{2,3}(?= (?:an? )?[a-z]{3})|"
    r"an?(?= [a-z]{3}))(?:[ /-][^\W\d_]+)*)"
)
_WRAPPED = re.compile(_COMMAND)
_FACTORS = re.compile(rf"(/)|(\\?[^\W\d_]+(?:\\?\$)?|\\\$|{_SIGN}|%)\s*(?:\^\s*\{{?\s*(-?\d+)\s*\}}?)?")
_OPERATION = re.compile(
    r"^\W*(?:(?:st|[nr]d|th) )?(?:roots?|powers?|and|no|wrong|incorrect|if|is|was|at least|"
    r"at most|multiplied|reciprocal|base|point|times \w+|squared|cubed|factorial|plus|minus|divided|over|half|halves|"
    r"thirds?|doubled|tripled|halved|twice|ninths?|(?:four|fif|six|seven|eigh|ten|eleven|twelf|\w+teen|\w+tie|hundred|"
    r"thousand|[mb]illion)ths?|tens|remainder|modulo|mod|choose|to the|or|not|but|unless|maybe|perhaps|possibly|false|"
    r"nope)\b|\b(?:than|below)\b|^\s*(?:[*+=<>!]|[-/:;,^] ?\d|[eErR] ?\d|with (?:a )?remainder|的|分之|次方|不|或|半)"
)
_PREFIXED = re.compile(r"[mMpPGT](?:eV|Hz|Pa|mol|[WVANJTFCSHBbm])")  # mega is not milli, nor a byte a bit
# One of several: 5 feet, 3 inches.
_QUANTITY = re.compile(
    r"(\d[\d.,/]*(?: ?\\frac ?\{\d+\} ?\{\d+\})?) ?([^\W\d_]+(?: (?!and )[^\W\d_]+)*)\.?(?:\Z| ?,? ?(?:and )?(?=\d))"
)
_LONGEST = 300


def split_unit(text: str) -> tuple[str, str | None]:
    """The value and the unit of a tidied text; None where no unit is written."""
    if len(text) > _LONGEST:
        return text, None
    price = _PRICE.fullmatch(text)
    if price:
        return price["sign"] + price["value"], price["worded"] or price["currency"]
    degrees = _DEGREES.fullmatch(text)
    if degrees and not re.search(r"\\(?:sin|cos|tan|cot|sec|csc)", text):
        primes = degrees["mark"].count("prime")
        return degrees["head"].strip(), "degree" if not primes else ("arcmin", "arcsec")[primes - 1]
    if text.endswith("%"):
        return text, None
    match = _WORDS.fullmatch(text)
    start = None if match is None else match.start("unit")
    for piece in _PIECES.finditer(text) if match is None else ():
        if piece["factor"] is None and piece["joint"] is None:
            start = None
        elif start is None and (piece["factor"] is not None or piece["joint"] == "per"):
            start = piece.start()
    if (
        start is None
        or not re.search(r"[0-9A-Za-z]", text[:start])
        or not text[:start].rstrip()[-1:].strip("^_+-*/=<>\\")
    ):
        return text, None
    return text[:start].strip(), text[start:].strip()


def quantities(text: str) -> list[str]:
    """The quantities of 5 feet and 3 inches, or of 5'3", each on its own; none where it is anything else."""
    text = text if "circ" in text else re.sub(r"(?<=\d)'(?!')", " ft ", text)
    text = " ".join(_WRAPPED.sub(r" \1 ", re.sub(r"(?<=\d)(?:''|\")", " in ", text)).split())
    found = _QUANTITY.findall(text)
    if _QUANTITY.sub("", text) or len(found) < 2 or all(len(unit) == 1 for _, unit in found):
        return []  # 2 x 3 y is a product
    return [rf"{value}\text{{ {unit}}}" for value, unit in found]


def without_signs(text: str, unit: str | None) -> str:
    """Without signs of currencies; where the result has a unit, without those of what it is calculated from.

    Of 25 % of 80 the words are a sign, too.
    """
    text = re.sub(r"(?<=%)\s*(?:of\b|\\text\s*\{\s*of\s*\})", r" \\times ", re.sub(_CURRENCY, "", text))
    if unit is not None:
        # Of 1 h 30 min no 130 is made.
        text = re.sub(_COMMAND + r"(?!\s*[\d.])", lambda found: found[0] if re.search(r"\d", found[1]) else " ", text)
    return re.sub(r"\^ ?\{? ?\\circ ?\}?", "", text) if unit == "degree" else text


def in_hundredths(text: str) -> str:
    """A calculation with 25 % as one with 25/100."""
    return re.sub(r"(\d[\d.]*)\s*\\?%", r"\\frac{\1}{100}", text)


def same_unit(left: str, right: str) -> bool:
    """Whether two units are one, in other words or in another order."""
    return any(one == other for one in _meanings(left) for other in _meanings(right))


def is_operation(unit: str) -> bool:
    """Whether it changes the number before it: 5 squared, 3 halves, 5 more than x."""
    return bool(_OPERATION.search(_WRAPPED.sub(r" \1 ", unit)))


def _meanings(unit: str) -> list[dict[str, int]]:
    factors = [_factors(unit)]
    for word, meanings in _MEANINGS.items():
        if word in factors[0]:
            factors += [{m if name == word else name: p for name, p in factors[0].items()} for m in meanings]
    return factors


def _factors(unit: str) -> dict[str, int]:
    """Each base name with its exponent."""
    text = _WRAPPED.sub(r" \1 ", unit)
    text = re.sub(r"\bper\b", "/", text.replace(r"\cdot", " ").replace("~", " "))
    text = re.sub(r"\b(square|sq\.?|cubic|cu\.?) (\w+)", lambda m: f"{m[2]}^{3 if m[1][0] == 'c' else 2}", text)
    text = re.sub(
        r"\b(?:mph|km?ph)\b", lambda m: "mi/h" if m[0] == "mph" else "km/h", re.sub(r"\bU\.?S\.? (?=dollar)", "", text)
    )
    text = re.sub(r" (squared|cubed)\b", lambda m: "^2" if m[1] == "squared" else "^3", text)
    text = re.sub(r"\(([^()/^]*)\)\s*\^\s*\{?\s*(-?\d+)\s*\}?", lambda m: re.sub(r"\S+", rf"\g<0>^{m[2]}", m[1]), text)
    powers: dict[str, int] = {}
    sign = 1
    for slash, name, power in _FACTORS.findall(text):
        if slash:
            sign = -1
        else:
            powers[_named(name)] = powers.get(_named(name), 0) + sign * int(power or 1)
    return {name: power for name, power in powers.items() if power and name}


def _named(name: str) -> str:
    # One letter keeps its case: G is no g.
    plain = name if len(name) == 1 or _PREFIXED.fullmatch(name) else name.lower()
    singular = plain.removesuffix("s") if len(plain) > 2 else plain
    return _SAME.get(plain, _SAME.get(singular, singular))
