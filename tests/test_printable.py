import io
import logging

import pytest
from rich.table import Table

from emlit.endings import ends_in_a_sentence, refused_file
from emlit.errors import DataError
from emlit.printable import PrintableRecord, as_markdown, printable
from emlit.report.markdown import to_markdown
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
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    terminal.print(table)
    assert out.getvalue().count(SHOWN) == 4
    assert not set("\x1b\x9b") & set(out.getvalue())


def test_reports_hold_text_and_no_markup():
    name = "a|b<img src=x onerror=y>[c](javascript:d)\n# e `f`"
    row = {"task": name, "decoding": name, "problems": 1, "samples": 1, "pass@1": 0.5}
    text = to_markdown([row])
    assert as_markdown(name) == r"a\|b\<img src=x onerror=y>[c]\(javascript:d)\\n# e \`f\`"
    assert text.count(as_markdown(name)) == 2
    assert "<img" not in text.replace(r"\<", "")


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
