"""Times of the day and dates, in whatever order and writing."""

import re

_COMMAND = re.compile(r"\\(?:text|mathrm|operatorname) ?\{([^{}]*)\}")
_CLOCK = re.compile(r"(?P<hour>\d\d?)(?::(?P<minute>[0-5]\d))?(?P<half>[ap]m|o'clock|)")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR = r"(?: (?P<year>\d{4}))?"
_DATES = [re.compile(rf"{_MONTH} (?P<day>\d\d?){_YEAR}"), re.compile(rf"(?P<day>\d\d?) (?:of )?{_MONTH}{_YEAR}")]


def same_moment(left: str, right: str) -> bool | None:
    """Whether two times, or two dates, are the same; None where they are not both one or the other.

    A half of the day may be left out, and 14:30 says it itself.
    """
    texts = [" ".join(re.sub(r"[,.]", " ", _COMMAND.sub(r" \1 ", text)).lower().split()) for text in (left, right)]
    dates = [next((m for each in _DATES if (m := each.fullmatch(text))), None) for text in texts]
    if dates[0] and dates[1]:
        days = [(_MONTHS.index(date["month"][:3]), int(date["day"]), date["year"]) for date in dates if date]
        return days[0] == days[1]
    clocks = [clock for text in texts if (clock := _clock(text.replace(" ", "")))]
    if len(clocks) < 2 or not (clocks[0][2] or clocks[1][2]):
        return len(clocks) == 2 and clocks[0] == clocks[1] or None  # 08:05 and 8:05
    if clocks[0][2] and clocks[1][2]:
        return clocks[0] == clocks[1]
    (hour, minute, half), (other, others, _) = clocks if clocks[0][2] else clocks[::-1]
    return minute == others and other in (hour, hour % 12 + 12 * (half == "p"))


def _clock(text: str) -> tuple[int, int, str] | None:
    """Hour, minute, and a or p where it is said; None for a number."""
    match = _CLOCK.fullmatch(
        {"noon": "12pm", "12noon": "12pm", "midnight": "12am", "12midnight": "12am"}.get(text, text)
    )
    if match is None or not match["minute"] and not match["half"]:
        return None
    half = match["half"][0] if match["half"][1:] == "m" else ""
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if hour > (12 if half else 24):
        return None
    return hour, minute, half
