"""A first round in which nothing is right, though answers were found."""

from emlit.rollout import Prompt
from emlit.rollout.first_grades import FirstGrades
from emlit.tasks import Grade, HumanEval, Row, TinyArithmetic

WRONG, NONE, RIGHT = Grade("72", False, True), Grade(None, False, False), Grade("72", True, True)


def prompts(count: int, label: str | None = "so many words", task=None) -> list[Prompt]:
    task = task or TinyArithmetic("train", n=1)
    return [Prompt(task, Row(str(i), "?", label, source=f"p.jsonl, line {i}"), [1]) for i in range(count)]


def told(caplog, *rounds) -> list[str]:
    caplog.clear()
    first = FirstGrades()
    for grades in rounds:
        first.look(prompts(len(grades)), grades)
    return [record.message for record in caplog.records]


def test_it_is_told_once_with_an_example(caplog):
    (sentence,) = told(caplog, [NONE, WRONG, WRONG], [WRONG])
    assert sentence.startswith(
        "tiny: none of the first 3 completions is right, though 2 give an answer: p.jsonl, line 1 has"
    )
    assert "the label 'so many words' and was answered '72'" in sentence
    assert "answer_column" in sentence


def test_it_is_not_told_of_what_went_well_or_is_not_known(caplog):
    assert not told(caplog, [WRONG, RIGHT], [WRONG])  # the first round counts
    assert not told(caplog, [NONE, NONE])  # no answer was found: another matter
    assert not told(caplog, [Grade("72", None, True)])
    assert told(caplog, [Grade("72", None, True)], [WRONG])  # unlabelled ones are no round


def test_programs_and_other_processes(caplog):
    FirstGrades().look(prompts(1, task=HumanEval()), [Grade("def f(): pass", False, True)])
    FirstGrades().look(prompts(1), [WRONG], tell=False)
    assert not caplog.records


def test_control_characters_are_shown(caplog):
    FirstGrades().look(prompts(1, label="\x1b[31m7"), [WRONG])
    assert "\x1b" not in caplog.text
