"""The field's nouns, and not words of one's own for the same (CONTRIBUTING.md)."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    file
    for pattern in ("emlit/**/*.py", "callbacks/*.py", "configs/**/*.yaml", "docs/*.md", "*.md")
    for file in sorted(ROOT.glob(pattern))
    if file.name != "CHANGELOG.md"
]


@pytest.mark.parametrize(
    ("words", "noun"),
    [
        (r"\bto go on\b|\bgo(es)? on (from|where|at its)", "resume, continue"),
        (r"\bwho samples\b", "engine"),
        (r"what (it|a completion|they) (is|are) worth", "reward, advantage"),
        (r"\bsettles? the\b(?! label)", "resolve, decide"),
        (r"(something|things?|what) (is|are|stands?) in the way", "stale paths"),
        (r"the start of a KL", "reference policy"),
    ],
)
def test_words_of_the_house_are_gone(words, noun):
    found = [
        f"{file.relative_to(ROOT)}: {match[0]!r}; the field says {noun}"
        for file in FILES
        for match in re.finditer(words, " ".join(file.read_text().split()), re.IGNORECASE)
    ]
    assert found == []
