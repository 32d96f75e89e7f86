"""UGPhysics: undergraduate physics in English and Chinese (Xu et al., arXiv 2502.00334)."""

import re
from typing import Any, Literal

from emlit.errors import ConfigError, DataError
from emlit.grading import extract_answer, extract_boxes, math_equal
from emlit.grading.quantities import same_unit, split_unit
from emlit.grading.stated import without_thinking
from emlit.grading.words import option
from emlit.grading.writing import split, tidy
from emlit.records import Grade, Row
from emlit.tasks.benchmark import Benchmark, Hub, row_number
from emlit.tasks.templates import (
    REASON_STEP_BY_STEP,
    UGPHYSICS,
    UGPHYSICS_BOXES,
    UGPHYSICS_ENDINGS,
    UGPHYSICS_TYPE_SENTENCES,
    UGPHYSICS_TYPES,
)

SUBJECTS = (
    "AtomicPhysics", "ClassicalElectromagnetism", "ClassicalMechanics", "Electrodynamics", "GeometricalOptics",
    "QuantumMechanics", "Relativity", "SemiconductorPhysics", "Solid-StatePhysics", "StatisticalMechanics",
    "TheoreticalMechanics", "Thermodynamics", "WaveOptics",
)  # fmt: skip
_ENDING = re.compile(r"final answers? (?:is|are)|最终答案", re.IGNORECASE)
_JOINTS = re.compile("[,;、，]|and|和")  # between several options
_TRUE = {"true", "yes", "right", "correct", "t", "y", "是", "对", "正确", "真", "能", "可以"}
_FALSE = {"false", "no", "wrong", "incorrect", "f", "n", "否", "错", "错误", "不正确", "假", "不是", "不能", "不可以"}


class UGPhysics(Benchmark):
    """The problems of one subject in one language; `ugphysics_semiconductor_en` is SemiconductorPhysics in English.

    Args:
        subject: one of `SUBJECTS`
        language: en or zh
        tolerance: numbers may differ by this share; 1 % is the benchmark's own
        benchmark: as of Benchmark
    """

    system_prompt = REASON_STEP_BY_STEP

    def __init__(
        self,
        subject: str = "SemiconductorPhysics",
        language: Literal["en", "zh"] = "en",
        tolerance: float = 0.01,
        **benchmark: Any,
    ) -> None:
        if subject not in SUBJECTS:
            raise ConfigError(f"subject is {subject}; UGPhysics has {', '.join(SUBJECTS)}")
        if language not in UGPHYSICS:
            raise ConfigError(f"language is {language}; UGPhysics has en and zh")
        if not 0 <= tolerance < 1:
            raise ConfigError(f"tolerance is {tolerance}; it is a share of the answer, from 0 to below 1")
        self.name = f"ugphysics_{_short(subject)}_{language}"
        self.hub = Hub("UGPhysics/ugphysics", subject, language)
        self.language = language
        self.tolerance = tolerance
        super().__init__(**benchmark)

    def row(self, fields: dict[str, Any], where: str) -> Row:
        answer = ", ".join(content for _, content in extract_boxes(fields["answers"]))
        if not answer:
            raise DataError(f"{where}: 'answers' has no \\boxed{{}} with the answer")
        ending = UGPHYSICS_ENDINGS[self.language].format(answer=answer)
        return Row(
            id=str(fields.get("index", row_number(where))),
            prompt=self._prompt(fields, where),
            answer=answer,
            solution=f"{(fields.get('solution') or '').rstrip()}\n\n{ending}".strip(),
        )

    def _prompt(self, fields: dict[str, Any], where: str) -> str:
        several = bool(fields["is_multiple_answer"])
        for name in ("answer_type", "unit"):
            if not isinstance(fields.get(name) or "", str):
                raise DataError(f"{where}: {name!r} is {fields[name]!r}; it must be text")
        codes = fields["answer_type"].split(",") if several else [fields["answer_type"]]
        names = UGPHYSICS_TYPES[self.language]
        found = [next((name for code, name in names.items() if code in written), None) for written in codes]
        types = [name for name in found if name is not None]
        if len(types) < len(found):
            raise DataError(f"{where}: 'answer_type' is {fields['answer_type']!r}; it is made of {', '.join(names)}")
        sentence = UGPHYSICS_TYPE_SENTENCES[self.language][0 if not several else 1 if len(set(types)) == 1 else 2]
        listed = types[:1] if len(set(types)) == 1 else types
        return UGPHYSICS[self.language].format(
            subject=fields["subject"],
            types=sentence.format(types=("、" if self.language == "zh" else ", ").join(listed)),
            box=UGPHYSICS_BOXES[self.language][several],
            problem=fields["problem"],
        )

    def grade(self, row: Row, completion: str) -> Grade:
        said = without_thinking(completion)
        boxes = extract_boxes(said)
        endings = [match.start() for match in _ENDING.finditer(said)]
        last = [content for start, content in boxes if endings and start > endings[-1]] or [b for _, b in boxes[-1:]]
        answer = ", ".join(last) if last else extract_answer(said)
        correct = None if row.answer is None else answer is not None and self._right(row, row.answer, answer)
        return Grade(answer, correct, bool(boxes))

    def _right(self, row: Row, label: str, answer: str) -> bool:
        types = [code.strip() for code in row.fields["answer_type"].split(",")]
        gold, given = split(label, ","), split(answer, ",")
        units = [unit.strip() for unit in (row.fields.get("unit") or "").split(",")]
        units += [""] * (len(types) - len(units))
        if len(types) == 1 or not len(types) == len(gold) == len(given):
            return self._same(answer, label, types[0], units[0] if len(types) == 1 else "")
        if len(set(types)) > 1:  # the prompt then asks for them in order
            return all(map(self._same, given, gold, types, units))
        left = list(given)
        for one, unit in zip(gold, units, strict=False):
            found = next((place for place, other in enumerate(left) if self._same(other, one, types[0], unit)), None)
            if found is None:
                return False
            del left[found]
        return True

    def _same(self, answer: str, gold: str, kind: str, unit: str) -> bool:
        if kind == "TF":
            return _truth(answer) is not None and _truth(answer) == _truth(gold)
        if kind == "MC":
            return _letters(answer) == _letters(gold)
        if not self.equal(answer, gold):
            return False
        _, written = split_unit(tidy(answer))
        return not unit or "None" in unit or written is None or same_unit(written, tidy(unit))

    def equal(self, answer: str | None, other: str) -> bool:
        return math_equal(answer, other, relative=self.tolerance)


def _short(subject: str) -> str:
    """SemiconductorPhysics as semiconductor, Solid-StatePhysics as solid_state."""
    return re.sub(r"(?<=[a-z])-?(?=[A-Z])", "_", subject.removesuffix("Physics")).lower()


def _plain(answer: str) -> str:
    return re.sub(r"\\(?:text|mathrm|textbf|boxed)|[{}()$.。\s]", "", answer)


def _truth(answer: str) -> bool | None:
    said = _plain(answer).casefold()
    return True if said in _TRUE else False if said in _FALSE else None


def _letters(answer: str) -> str:
    """The options chosen, in order: "(b)", "B." and "b) 5 eV" are B, "A, B" is AB, and "A or B" is none."""
    text = tidy(answer)
    chosen = option(text[:1].upper() + text[1:])
    return _JOINTS.sub("", _plain(chosen[0] if chosen else text)).upper()
