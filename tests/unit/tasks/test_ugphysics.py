import json

import pytest

from emlit.errors import ConfigError, DataError
from emlit.tasks import UGPhysics
from emlit.tasks.ugphysics import SUBJECTS

ROW = {"index": 1, "domain": "own", "subject": "Semiconductor Physics", "topic": "own", "problem": "How far?",
       "unit": None, "solution": "Far.", "is_multiple_answer": False, "language": "EN", "level": "own"}  # fmt: skip


def physics(tmp_path, asked="en", **fields):
    task = UGPhysics(language=asked)
    (tmp_path / f"{task.name}.jsonl").write_text(json.dumps({**ROW, **fields}) + "\n")
    task.read_from(tmp_path)
    return task, task.rows()[0]


@pytest.mark.parametrize(
    ("answers", "kind", "unit", "completion", "answer", "correct"),
    [
        (r"\boxed{117}", "NV", r"\mathrm{cm}", r"the final answer is \boxed{117}(cm).", "117", True),
        (r"\boxed{117}", "NV", r"\mathrm{cm}", r"\boxed{117.9}", "117.9", True),  # 0.8 % off
        (r"\boxed{117}", "NV", r"\mathrm{cm}", r"\boxed{119}", "119", False),
        (r"\boxed{117}", "NV", r"\mathrm{cm}", r"\boxed{117 \text{ cm}}", r"117 \text{ cm}", True),
        (r"\boxed{117}", "NV", r"\mathrm{cm}", r"\boxed{117 \text{ m}}", r"117 \text{ m}", False),
        (r"\boxed{0.853}", "NV", r"\text{m}^2/(\text{V} \cdot \text{s})", r"\boxed{0.85 \mathrm{m^2/(V s)}}",
         r"0.85 \mathrm{m^2/(V s)}", True),
        (r"\boxed{4.88 \times 10^{23}}", "NV", None, r"\boxed{4.9e23}", "4.9e23", True),
        (r"\boxed{50\%, 3}", "NV, NV", r"\%, None", r"So the final answer is \boxed{0.5, 3}", "0.5, 3", True),
        (r"\boxed{50\%, 3}", "NV, NV", r"\%, None", r"the final answer is \boxed{50\%}, \boxed{3}.", r"50\%, 3", True),
        (r"\boxed{50\%, 3}", "NV, NV", r"\%, None", r"\boxed{3}", "3", False),
        (r"\boxed{50, Yes}", "NV, TF", None, r"\boxed{50, True}", "50, True", True),
        (r"\boxed{50, Yes}", "NV, TF", None, r"\boxed{True, 50}", "True, 50", False),  # asked for in order
        (r"\boxed{Yes}", "TF", None, r"\boxed{\text{True}}", r"\text{True}", True),
        (r"\boxed{No}", "TF", None, r"\boxed{False}", "False", True),
        (r"\boxed{No}", "TF", None, r"\boxed{Yes}", "Yes", False),
        (r"\boxed{No}", "TF", None, r"\boxed{maybe}", "maybe", False),
        (r"\boxed{b}", "MC", None, r"\boxed{B}", "B", True),
        (r"\boxed{b}", "MC", None, r"\boxed{\text{(b)}}", r"\text{(b)}", True),
        (r"\boxed{b}", "MC", None, r"\boxed{b) 5 eV}", "b) 5 eV", True),
        (r"\boxed{b}", "MC", None, r"\boxed{c}", "c", False),
        (r"\boxed{A}", "MC", None, r"\boxed{A, B}", "A, B", False),
        (r"\boxed{B}", "MC", None, r"\boxed{A or B}", "A or B", False),
        (r"\boxed{A}", "MC", None, r"\boxed{(A), (B)}", "(A), (B)", False),
        (r"\boxed{AC}", "MC", None, r"\boxed{\text{A and C}}", r"\text{A and C}", True),
        (r"\boxed{A, C}", "MC", None, r"\boxed{(A), (C)}", "(A), (C)", True),
        (r"\boxed{C}", "MC", None, r"\boxed{\textbf{(C)}\ \text{zero}}", r"\textbf{(C)}\ \text{zero}", True),
        (r"\boxed{3 k T}", "EX", None, r"\boxed{3k_{}T}", "3k_{}T", False),
        (r"\boxed{3 k T}", "EX", None, r"\boxed{3kT}", "3kT", True),
        (r"\boxed{\nu = \frac{2eV}{h}}", "EQ", None, r"\boxed{\frac{2eV}{h}}", r"\frac{2eV}{h}", True),
        (r"\boxed{\nu = \frac{2eV}{h}}", "EQ", None, r"\boxed{\nu=\frac{eV}{h}}", r"\nu=\frac{eV}{h}", False),
        (r"\boxed{2n_i e \sqrt{\mu_n \mu_p}}", "EX", None, r"\boxed{2 e n_{i} \sqrt{\mu_p}\sqrt{\mu_n}}",
         r"2 e n_{i} \sqrt{\mu_p}\sqrt{\mu_n}", True),
        (r"\boxed{(1, 2]}", "IN", None, r"\boxed{(1,2]}", "(1,2]", True),
        (r"\boxed{(1, 2]}", "IN", None, r"\boxed{(1,2)}", "(1,2)", False),
    ],
)  # fmt: skip
def test_grade(answers, kind, unit, completion, answer, correct, tmp_path):
    task, row = physics(tmp_path, answers=answers, answer_type=kind, unit=unit, is_multiple_answer="," in kind)
    grade = task.grade(row, completion)
    assert (grade.answer, grade.correct, grade.format_ok) == (answer, correct, True)
    gold = task.grade(row, row.solution)
    assert (gold.correct, gold.format_ok) == (True, True)


def test_the_english_prompt(tmp_path):
    _, row = physics(tmp_path, answers=r"\boxed{5}", answer_type="NV")
    assert row.prompt == (
        "The following is an open-ended problem from Semiconductor Physics of the undergraduate-level Physics. The "
        "answer of The problem should be a numerical value without units. Please calculate the answer according to the "
        "given requirements and the information provided. Please use LaTeX format to represent the variables and "
        'formulas used in the solution process and results. Please end your solution with "So the final answer is '
        '\\boxed{answer}(unit)." and give the result explicitly, note that the unit of the '
        "answers should not be included in \\boxed{}.\n\nHow far?"
    )


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("NV, NV", "The problem has multiple answers, each of them should be a numerical value without units. "),
        (
            "NV, TF",
            "multiple answers, with the answers in order being a numerical value without units, either True or False. ",
        ),
    ],
)
def test_several_answers_are_asked_for(kind, sentence, tmp_path):
    _, row = physics(tmp_path, answers=r"\boxed{5, 6}", answer_type=kind, is_multiple_answer=True)
    assert sentence in row.prompt
    assert r"\boxed{multiple answers connected with commas}(unit)" in row.prompt


def test_chinese(tmp_path):
    task, row = physics(tmp_path, "zh", subject="半导体物理", answers=r"\boxed{是}", answer_type="TF", language="ZH")
    assert task.name == "ugphysics_semiconductor_zh"
    assert row.prompt == (
        "以下是大学物理的半导体物理科目中的解答题，答案类型为是或否。请根据题目的要求和所提供的信息计算得出答案。解答过程和结果中使用的"
        "变量和公式请使用LaTeX格式表示。请在最后以“所以最终答案是\\boxed{答案}(单位)。”显式给出结果。注意答案的单位不要放在\\boxed{}中。"
        "\n\nHow far?"
    )
    assert row.solution.endswith("所以最终答案是\\boxed{是}。")
    assert task.grade(row, row.solution).correct
    assert task.grade(row, "所以最终答案是\\boxed{正确}。").correct
    assert not task.grade(row, "所以最终答案是\\boxed{否}。").correct


def test_each_subject_has_a_name():
    names = {UGPhysics(subject).name for subject in SUBJECTS}
    assert len(names) == 13
    assert {"ugphysics_semiconductor_en", "ugphysics_solid_state_en", "ugphysics_wave_optics_en"} <= names


@pytest.mark.parametrize(
    "arguments", [{"subject": "Alchemy"}, {"language": "fr"}, {"tolerance": 1.5}, {"n": 0}], ids=lambda a: next(iter(a))
)
def test_wrong_arguments(arguments):
    with pytest.raises(ConfigError, match=next(iter(arguments))):
        UGPhysics(**arguments)


def test_an_answer_type_of_no_kind(tmp_path):
    with pytest.raises(DataError, match="'answer_type' is 'XX'"):
        physics(tmp_path, answers=r"\boxed{5}", answer_type="XX")


@pytest.mark.parametrize(
    ("completion", "answer", "boxed"),
    [
        (r"<think>the final answer is \boxed{117}</think>The final answer is \boxed{119}.", "119", True),
        (r"<think>perhaps \boxed{119}</think>The final answer is 117.", "117", False),
    ],
)
def test_a_box_in_thinking_is_no_answer(completion, answer, boxed, tmp_path):
    task, row = physics(tmp_path, answers=r"\boxed{117}", answer_type="NV", unit=None)
    grade = task.grade(row, completion)
    assert (grade.answer, grade.correct, grade.format_ok) == (answer, answer == "117", boxed)
