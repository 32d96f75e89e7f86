"""samples.html, opened in a browser."""

import html
import json
import re
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from emlit.samples import PageInfo, render
from tests.browser import BROWSER, in_browser
from tests.unit.samples.rounds import make_sample

INFO = PageInfo("runs/x", "EMFT", "tiny", 1.0, 1.0, max_tokens=512, page_completions=400, steps=2)
HOSTILE = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<!--<script>",
    "]]>&lt;b&gt;{{data}}{{policy}}",
    "\u202e\u2028'\"\\",
]


def write(path: Path, samples, info=INFO) -> Path:
    path.write_text(render(info, [json.dumps(asdict(sample)) for sample in samples]), encoding="utf-8")
    return path


@pytest.fixture
def open_page(tmp_path):
    """The page as it stands in the browser after its script has run, and what the console said."""

    def load(path: Path, view: str = "") -> tuple[str, list[str]]:
        done = subprocess.run(
            [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
             f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"file://{path}{view}"],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        return done.stdout, re.findall(r"CONSOLE.*", done.stderr)

    return load


def rows(dom: str) -> list[int]:
    """Which samples are on the page, in order."""
    return [int(index) for index in re.findall(r'<article data-index="(\d+)"', dom)]


def spans(dom: str) -> dict[str, tuple[str, str]]:
    """Of each token: its class and its text."""
    found = re.findall(
        r'<span class="t ([^"]*)" data-token="([\d.]+)"[^>]*>(.*?)</span>(?=<span class="[tg]|</div>)', dom
    )
    return {token: (name, html.unescape(re.sub(r"<[^>]*>", "", text))) for name, token, text in found}


SAMPLES = [
    make_sample(1, texts=["Twelve", " apples"], entropies=[0.4, 0.6], correct=True, answer="12"),
    make_sample(1, texts=["x"] * 5, entropies=[2.0] * 5, correct=False, answer=None),
    make_sample(1, texts=["y"] * 3, entropies=[0.1] * 3, correct=None, label=None),
    make_sample(20, texts=["Twelve", "!"], entropies=[0.0, 0.1], correct=False, reward=-0.05, advantage=0.5),
    make_sample(20, texts=["z"], entropies=[0.2], correct=True),
]


@in_browser
@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("", [3, 4]),  # the last step
        ("#step=1", [0, 1, 2]),
        ("#step=20&correct=wrong", [3]),
        ("#step=1&correct=unlabelled", [2]),
        ("#step=all&correct=right", [0, 4]),
        ("#step=all&sort=entropy-high", [1, 0, 4, 2, 3]),
        ("#step=all&sort=shortest", [4, 0, 3, 2, 1]),
        ("#step=all&q=tWELVE", [0, 3]),
        ("#step=all&q=tWELVE&correct=wrong&sort=longest", [3]),
        ("#step=all&q=nowhere", []),
        ("#step=7&correct=constructor&sort=?&token=9.9", [3, 4]),  # an old or mistyped address
    ],
)
def test_views(open_page, tmp_path, view, expected):
    dom, console = open_page(write(tmp_path / "samples.html", SAMPLES), view)
    assert rows(dom) == expected
    assert console == []
    count = re.search(r'<p id="count"[^>]*>(.*?)</p>', dom).group(1)
    assert count.startswith(f"{len(expected)} of 5 completions")
    if view == "#step=1":
        assert "1 right, 1 wrong · mean entropy 0.867 nats" in count  # (0.5 + 2.0 + 0.1) / 3


@in_browser
def test_colours_follow_entropy(open_page, tmp_path):
    # Either side of every edge, and what JSON could not hold.
    values = [0.0, 0.0099, 0.01, 0.05, 0.1, 0.2, 0.35, 0.4999, 0.5, 0.75, 1.0, 1.5, 2.0, 2.9999, 3.0, 11.0, None]
    levels = [0, 0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10, 11, 11, 11]
    dom, console = open_page(
        write(tmp_path / "p.html", [make_sample(texts=list("abcdefghijklmnopq"), entropies=values)])
    )
    assert [name for name, _ in spans(dom).values()] == [f"e{level}" for level in levels]
    assert console == []


@in_browser
def test_a_token_tells_its_numbers(open_page, tmp_path):
    sample = make_sample(texts=["a", "é", None, "b"], entropies=[0.1, 0.25, 1.2, 0.0], length=50, omitted=(3, 46))
    dom, console = open_page(write(tmp_path / "p.html", [sample]), "#step=1&token=0.1")
    found = spans(dom)
    # Two bytes of one character are one piece, coloured by the less certain of them.
    assert found["0.1"] == ("e8 pinned", "é")
    assert "0.2" not in found
    tip = re.sub(r"<[^>]*>", " ", re.search(r'<div id="tip"(?![^>]*hidden)[^>]*>(.*?)</div>', dom).group(1))
    assert "token  2 of 50 (part 1 of 2)" in tip
    assert "token  3 of 50 (part 2 of 2)" in tip
    assert "entropy  0.2500 nats" in tip
    assert "log-prob  -0.2000 nats" in tip
    assert "probability  81.9 %" in tip  # e^-0.2
    assert "… 46 tokens left out …" in dom
    dom, _ = open_page(tmp_path / "p.html", "#step=1&token=0.3")
    assert "50 of 50" in dom
    assert console == []


@in_browser
def test_hostile_text_stays_text(open_page, tmp_path):
    everywhere = "".join(HOSTILE)
    sample = make_sample(
        texts=HOSTILE, prompt=everywhere, input=everywhere, answer=everywhere, label=everywhere, id=everywhere,
        task=everywhere, correct=False,
    )  # fmt: skip
    info = replace(INFO, run=everywhere, objective=everywhere, pretrained=everywhere)
    dom, console = open_page(write(tmp_path / "p.html", [sample], info), "#step=1&q=" + "%3C%2Fscript%3E%3Cimg")
    assert console == []
    dom, console = open_page(tmp_path / "p.html", "#step=1&token=0.0")
    assert console == []
    assert [text for _, text in spans(dom).values()] == HOSTILE
    body = dom[dom.index("<body") :]
    assert "<img" not in re.sub(r"<script.*?</script>", "", body, flags=re.DOTALL)
    assert html.unescape(re.search("<title>(.*?)</title>", dom, re.DOTALL).group(1)).startswith("</script>")
    assert "owned'" in dom
    assert "<title>owned" not in dom


@in_browser
def test_markup_that_slipped_through_would_not_run(open_page, tmp_path):
    """The second lock, tried with the first one open."""
    path = write(tmp_path / "p.html", SAMPLES)
    intact = path.read_text()
    path.write_text(intact.replace("</body>", "".join(HOSTILE[:2]) + "</body>"))
    dom, console = open_page(path)
    assert "<title>owned" not in dom
    assert rows(dom) == [3, 4]
    assert any("Content Security Policy" in line for line in console)
    # And the markup does run where nothing locks it out, so the test can fail.
    path.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy".*?>', "", path.read_text()))
    assert "<title>owned" in open_page(path)[0]


@in_browser
def test_many_completions_come_in_portions(open_page, tmp_path):
    samples = [make_sample(1 + i // 40, id=str(i)) for i in range(120)]
    dom, console = open_page(write(tmp_path / "p.html", samples, replace(INFO, steps=9)), "#step=all")
    assert rows(dom) == list(range(50))
    assert "show 50 more of 70" in dom
    assert "This page has 3 of 9 recorded steps" in dom
    assert console == []


def test_the_page_fetches_nothing():
    page = render(INFO, [])
    assert not re.search(r"""(src|href)=|url\(|@import|https?://""", page)
    assert "default-src 'none'" in page


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance of #rgb or #rrggbb."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_scale_is_one_way_and_readable(theme):
    """Every colour is further from the card than the one before, and text on it has a contrast of 4.5 (WCAG AA)."""
    light, dark = re.findall(r":root \{(.*?)\}", render(INFO, []), re.DOTALL)
    names = dict(re.findall(r"--([\w-]+): (#\w+);", light))
    if theme == "dark":
        names |= dict(re.findall(r"--([\w-]+): (#\w+);", dark))
    scale = [luminance(names[name]) for name in ("card", *(f"e{i}" for i in range(1, 12)))]
    assert scale == sorted(scale, reverse=theme == "light")
    for level in range(1, 12):
        ink = luminance(names["cold" if level < 8 else "mid" if level == 8 else "hot"])
        low, high = sorted((ink, scale[level]))
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"e{level}"
