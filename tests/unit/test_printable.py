import html
import io
import logging
import re

import pytest
from markdown_it import MarkdownIt
from rich.table import Table
from tensorboard.plugin_util import markdown_to_safe_html

from emlit.callbacks.entropy_curves import _cell
from emlit.errors import DataError
from emlit.printable import PrintableRecord, as_markdown, printable
from emlit.report.markdown import to_markdown
from emlit.resilience.endings import ends_in_a_sentence, refused_file
from emlit.terminal import Terminal

HOSTILE = "r_[/bold][red]x:smile:\x1b[2J\x9b1A"
SHOWN = r"r_[/bold][red]x:smile:\x1b[2J\x9b1A"


def test_control_characters_are_shown_and_not_obeyed():
    assert printable("a\x1b]0;owned\x07b\rc\n\u202ed\udcff") == r"a\x1b]0;owned\x07b\rc\n\u202ed\udcff"


def test_plain_text_of_any_script_stays():
    assert printable("naïve 数学 [/bold]") == "naïve 数学 [/bold]"


def test_bytes_and_long_text():
    assert printable(b"\xff\xfe)") == r"\xff\xfe)"
    assert printable("x" * 600) == "x" * 500 + "…"


def test_a_terminal_shows_strings_as_they_are():
    out = io.StringIO()
    terminal = Terminal(file=out, width=200)
    terminal.print(f"report: {HOSTILE}", soft_wrap=True)
    terminal.named("model", "/a\nmodel: /b")
    assert out.getvalue().endswith("model:       /a\\nmodel: /b\n")
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    terminal.print(table)
    assert out.getvalue().count(SHOWN) == 4
    assert not set("\x1b\x9b") & set(out.getvalue())


MARKUP = [
    "a|b<img src=x onerror=y>[c](javascript:d)\n# e `f` \\| \\\\|", "https://e.example www.e.example WWW.e.f ftp://e",
    "*a* **b** _c_ __d__ e__f_ ~~g~~ $x$", "&lt;b&gt; &#x3C; &amp;", "[a][b] ![x](http://e/y)", "a@b.example \\_ \\",
]  # fmt: skip


@pytest.mark.parametrize("text", [*MARKUP, "math500", "em_inf", "a/b-1.5", "T=1, min-p 0.1", "maj@4"])
@pytest.mark.parametrize("around", ["| a | b |\n| - | - |\n| {} | c |\n", "## {}\n", "Warning: {}: d\n", "**{}**\n"])
def test_markdown_shows_text_and_no_markup(text, around):
    written = around.format(as_markdown(text))
    assert not re.search(r"://|www\.|\w@\w+\.", written, re.I)  # of which GitHub would make a link
    for rendered in (MarkdownIt("commonmark").enable("table").render, markdown_to_safe_html):
        shown = html.unescape(rendered(written)).replace("\u2060", "")
        assert shown == html.unescape(rendered(around.format("PLAIN"))).replace("PLAIN", printable(text))


def test_ordinary_names_stay_readable():
    for name in ("math500", "em_inf", "a/b-1.5", "T=1, min-p 0.1", "maj@4", "EM-INF (paper)", "数学_1"):
        assert as_markdown(name) == name


def test_reports_hold_text_and_no_markup():
    name = "<img src=x onerror=y>\n# [c](http://d)"
    row = {"task": name, "decoding": name, "problems": 1, "samples": 1, "pass@1": 0.5, "truncated": 1.0}
    text = to_markdown([row])
    assert text.count(as_markdown(name)) == 4  # the heading, the row, and twice in the warning
    assert "<" not in text
    assert "://" not in text
    assert _cell("a <b>\r\n\n| c \\|") == r"a &#60;b>\\r<br><br>&#124; c \\&#124;"


def test_no_logger_and_no_error_moves_the_cursor(capsys):
    record = PrintableRecord("transformers", logging.WARNING, "", 1, "model of type %s\nand more", (HOSTILE,), None)
    assert record.getMessage() == f"model of type {SHOWN}\nand more"
    with pytest.raises(SystemExit, match="2"), ends_in_a_sentence():
        raise DataError(f"pretrained is {HOSTILE}")
    assert capsys.readouterr().err == f"emlit: error: pretrained is {SHOWN}\n"


def test_a_file_that_cannot_be_read_is_a_sentence_and_a_plug_ins_is_not(tmp_path, monkeypatch, capsys):
    from emlit.report.__main__ import main

    (tmp_path / "predictions.jsonl").symlink_to("/proc/self/mem")
    monkeypatch.setattr("sys.argv", ["report", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err == "emlit: error: Input/output error\n"
    with pytest.raises(OSError, match="No such file") as caught:
        (tmp_path / "gone").read_text()
    assert refused_file(caught.value) is None  # this file is no part of emlit
