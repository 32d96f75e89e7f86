from emlit.printable import printable


def test_control_characters_are_shown_and_not_obeyed():
    assert printable("a\x1b]0;owned\x07b\rc\n\u202ed\udcff") == r"a\x1b]0;owned\x07b\rc\n\u202ed\udcff"


def test_plain_text_of_any_script_stays():
    assert printable("naïve 数学 [/bold]") == "naïve 数学 [/bold]"


def test_bytes_and_long_text():
    assert printable(b"\xff\xfe)") == r"\xff\xfe)"
    assert printable("x" * 600) == "x" * 500 + "…"
