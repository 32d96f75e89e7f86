"""From hand-made measurements to sentences."""

import re
from types import SimpleNamespace

import pytest

from emlit.metrics import Interval
from emlit.preflight.expectations import Setting, expectations
from emlit.preflight.measurements import Measurements
from emlit.preflight.model_facts import ModelFacts, model_facts
from emlit.tiny import MODEL_DIR

BASE = ModelFacts("some/model", "qwen3", False, "its name has 'Base'")
SETTING = Setting("gsm8k", max_tokens=256)
HEALTHY = {
    "pass@1": (0.40, 0.35, 0.45),
    "pass@16": (0.80, 0.75, 0.85),
    "room": (0.40, 0.35, 0.45),
    "format_rate": (0.95, 0.94, 0.96),
    "truncated": (0.01, 0.0, 0.02),
    "token_entropy": (0.81, 0.8, 0.82),
    "auroc": (0.80, 0.75, 0.85),
    "auroc_logprob": (0.78, 0.73, 0.83),
}


def measured(*without: str, labelled: int = 100, samples: int = 16, **changes: tuple[float, float, float]):
    values = {**HEALTHY, **{name.replace("_at_", "@"): ends for name, ends in changes.items()}}
    kept = {name: Interval(*ends) for name, ends in values.items() if name not in without}
    return Measurements(100, labelled, samples, 100 * samples, kept, [])


def findings(measurements=None, model=BASE, setting=SETTING):
    found = expectations(measurements or measured(), model, setting)
    return {finding.rule: finding for finding in found}


def test_everything_well():
    found = findings()
    assert {finding.level for finding in found.values()} == {"good"}
    assert found["verdict"].sentence.startswith("The literature expects EM to help here for some steps")
    assert "stopped in time (--guard.mode stop)" in found["verdict"].sentence
    assert list(found)[0] == "verdict"
    for rule, number in (("confidence", "0.800 (0.750 to 0.850)"), ("entropy", "0.810"), ("format", "95 %")):
        assert number in found[rule].sentence
    for finding in list(found.values())[1:]:
        assert re.search(r"arXiv \d{4}\.\d{5}|emlit", finding.source)


@pytest.mark.parametrize(
    ("ends", "level", "words"),
    [
        ((0.30, 0.25, 0.35), "warning", "below 0.5: the model is surer when it is wrong"),
        ((0.52, 0.47, 0.57), "warning", "0.020 from 0.5, which the interval holds"),
        ((0.45, 0.40, 0.51), "warning", "0.050 from 0.5"),
        ((0.55, 0.52, 0.58), "caution", "hardly tracks"),
        ((0.60, 0.55, 0.65), "good", "tracks correctness, which EM needs"),
    ],
)
def test_confidence(ends, level, words):
    found = findings(measured(auroc=ends))
    assert found["confidence"].level == found["verdict"].level == level
    assert words in found["confidence"].sentence
    assert ("expected to hurt" in found["verdict"].sentence) == (ends[2] < 0.5)


def test_log_prob_alone_is_a_caution():
    found = findings(measured(auroc_logprob=(0.3, 0.2, 0.4)))
    assert found["log-prob"].level == found["verdict"].level == "caution"
    assert "EM-RL-sequence will sharpen its errors" in found["log-prob"].sentence


@pytest.mark.parametrize(
    ("changes", "rule", "level", "words"),
    [
        ({"token_entropy": (0.43, 0.42, 0.44)}, "entropy", "caution", "0.430 (0.420 to 0.440) nats, below 0.5"),
        ({"token_entropy": (0.43, 0.42, 0.44)}, "entropy", "caution", "0.454 at step 80); use the guard"),
        ({"token_entropy": (0.5, 0.4, 0.6)}, "entropy", "good", "0.500"),
        ({"token_entropy": (0.5, 0.4, 0.6)}, "entropy", "good", "for about 20 steps and then fell below their start"),
        ({"format_rate": (0.6, 0.5, 0.7)}, "format", "caution", "60 % (50 to 70)"),
        ({"format_rate": (0.6, 0.5, 0.7)}, "format", "caution", "from 291 to 289 at step 20 and to 235 at step 40"),
        ({"room": (0.4, 0.3, 0.5)}, "room", "good", "EM-RL-token's rose from 89.6 to 90.6 %"),
        (
            {"truncated": (0.2, 0.1, 0.3), "auroc_ended": (0.22, 0.15, 0.3)},
            "truncation",
            "caution",
            "AUROC of -entropy 0.220 (0.150 to 0.300)): EM-RL-token",
        ),
        ({"truncated": (0.2, 0.1, 0.3)}, "truncation", "caution", "20 % (10 to 30) of completions are cut at 256"),
        ({"room": (0.04, 0.0, 0.1)}, "room", "warning", "no mass to move"),
        ({"pass_at_16": (0.04, 0.0, 0.1), "room": (0.03, 0.0, 0.1)}, "room", "warning", "skill is hardly there"),
    ],
)
def test_measured_numbers(changes, rule, level, words):
    found = findings(measured(**changes))
    assert found[rule].level == found["verdict"].level == level
    assert words in found[rule].sentence


@pytest.mark.parametrize(
    ("model", "setting", "rule", "level"),
    [
        (ModelFacts("m-Instruct", "qwen3", True, "its name has 'Instruct'"), SETTING, "instruction-tuned", "warning"),
        (ModelFacts("runs/export", "qwen2", None, "a directory"), SETTING, "instruction-tuned", "caution"),
        (ModelFacts("Llama-3.1-8B", "llama", False, "r"), SETTING, "llama", "caution"),
        (ModelFacts("Qwen2.5-7B", "qwen2.5", False, "r"), Setting("MATH-500", 9), "contamination", "caution"),
        (ModelFacts("Qwen2.5-7B", "qwen2.5", False, "r"), Setting("aime24", 9), "contamination", "caution"),
        (BASE, Setting("gsm8k", 9, "temperature 0.5"), "sampling", "caution"),
    ],
)
def test_known_facts(model, setting, rule, level):
    assert rule not in findings() or findings()[rule].level == "good"
    found = findings(model=model, setting=setting)
    assert found[rule].level == found["verdict"].level == level


@pytest.mark.parametrize(
    "task", ["MATH-500", "math500", "math_500_test", "AMC", "amc23", "AIME_2024", "aime2024", "aime24"]
)
def test_contamination_is_of_public_sets_and_on_a_condition(task):
    found = findings(model=ModelFacts("Qwen2.5-7B", "qwen2.5", False, "r"), setting=Setting(task, 9))["contamination"]
    assert found.sentence.startswith(f"If {task} is the public set")


@pytest.mark.parametrize("task", ["aftermath", "my_math_2026", "math", "gsm8k", "camc", "aimed", "math5000"])
def test_no_contamination_of_other_tasks(task):
    assert "contamination" not in findings(
        model=ModelFacts("Qwen2.5-7B", "qwen2.5", False, "r"), setting=Setting(task, 9)
    )


def test_no_contamination_of_other_models():
    assert "contamination" not in findings(model=BASE, setting=Setting("MATH-500", 9))


def test_without_labels_the_votes_speak():
    accuracies = ("pass@1", "pass@16", "room", "auroc", "auroc_logprob")
    half_known = findings(measured(*accuracies, labelled=0, auroc_votes=(0.9, 0.85, 0.95)))
    assert half_known["votes"].level == half_known["verdict"].level == "caution"
    assert half_known["verdict"].sentence.startswith("EM may help here if what the samples agree on is right (votes")
    unknown = findings(measured(*accuracies, labelled=0, auroc_votes=(0.6, 0.5, 0.7)))
    assert unknown["votes"].level == "warning"
    assert unknown["verdict"].sentence == "EM is not expected to help here (votes)."
    assert "votes" not in findings(measured(auroc_votes=(0.6, 0.5, 0.7)))  # labels tell more


def test_what_could_not_be_measured():
    accuracies = ("pass@1", "pass@16", "room", "auroc", "auroc_logprob")
    found = findings(measured(*accuracies, labelled=0))
    assert "None of the 100 prompts of gsm8k has a label" in found["not measured"].sentence
    assert "cannot be told" in found["verdict"].sentence
    assert found["verdict"].level == "caution"
    found = findings(measured("token_entropy", "auroc", "auroc_logprob"))
    assert "model.score is false" in found["not measured"].sentence
    found = findings(measured("auroc", "auroc_logprob", pass_at_1=(1.0, 1.0, 1.0), room=(0, 0, 0)))
    assert "Every completion with a label is right" in found["not measured"].sentence
    found = findings(measured("pass@16", "room", samples=1))
    assert "maj@k, pass@k" in found["not measured"].sentence
    assert "confidence" in found
    assert "room" not in found


def test_few_problems():
    assert "40 problems have a label" in findings(measured(labelled=40))["few problems"].sentence
    found = findings(measured(labelled=9, auroc=(0.1, 0.1, 0.1)))
    assert found["confidence"].level == "caution"
    assert "over 9 problems: too few to tell" in found["confidence"].sentence
    assert "expected to hurt" not in found["verdict"].sentence


@pytest.mark.parametrize(
    ("name", "instruct", "family"),
    [
        ("tiny", False, "qwen2"),
        ("Qwen/Qwen2.5-7B-Instruct", True, "qwen2.5"),
        ("Qwen/Qwen2.5-Math-7B", False, "qwen2.5"),
        ("Qwen/Qwen3-4B", True, "qwen2"),
        ("Qwen/Qwen3-4B-Base", False, "qwen2"),
        ("google/gemma-3-4b-it", True, "qwen2"),
        ("google/gemma-3-4b-pt", False, "qwen2"),
        ("meta-llama/Llama-2-7b-chat-hf", True, "llama"),
        ("meta-llama/Llama-3.1-8B", False, "llama"),
        ("some/italian-model", None, "qwen2"),
        ("meta-llama/Meta-Llama-3.1-8B", False, "llama"),
        ("meta-llama/Llama-3.1-8B-Instruct", True, "llama"),
        ("Qwen/Qwen2.5-7B", False, "qwen2.5"),
        ("Qwen/Qwen2.5-0.5B", False, "qwen2.5"),
        ("Qwen/Qwen2.5-Math-1.5B-Instruct", True, "qwen2.5"),
        ("mistralai/Mistral-7B-v0.1", False, "qwen2"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", True, "qwen2"),
        ("HuggingFaceH4/zephyr-7b-beta", True, "qwen2"),
        ("Qwen/QwQ-32B", True, "qwen2"),
        ("lmsys/vicuna-7b-v1.5", True, "qwen2"),
        ("allenai/Llama-3.1-Tulu-3-8B", True, "llama"),
        ("PRIME-RL/Eurus-2-7B-SFT", True, "qwen2"),
        ("Qwen/Qwen2.5-7B-Base-DPO", True, "qwen2.5"),
        ("microsoft/phi-4", None, "qwen2"),
        ("somebody/Qwen2.5-7B-mine", None, "qwen2.5"),
        ("agentica-org/DeepScaleR-1.5B-Preview", None, "qwen2"),
        ("/models/my-chat-experiments/Qwen2.5-7B/", False, "qwen2.5"),
        ("/models/llama-base/export", None, "qwen2"),
        ("/models/elsewhere/tiny", None, "qwen2"),
        (str(MODEL_DIR), None, "qwen2"),
    ],
)
def test_model_facts(name, instruct, family, monkeypatch):
    monkeypatch.setattr(
        "emlit.preflight.model_facts.resolve", lambda _: str(MODEL_DIR)
    )  # the config is that of a qwen2
    facts = model_facts(name)
    assert (facts.instruct, facts.family) == (instruct, family)
    assert facts.reason


def test_completions_that_are_cut_are_blamed_on_nothing_else():
    found = findings(
        measured(
            "auroc", "auroc_logprob", truncated=(1.0, 0.96, 1.0), format_rate=(0.0, 0.0, 0.04),
            pass_at_1=(0.0, 0.0, 0.04), pass_at_16=(0.0, 0.0, 0.04), room=(0.0, 0.0, 0.04),
        )
    )  # fmt: skip
    assert found["truncation"].level == found["verdict"].level == "warning"
    assert found["truncation"].sentence.startswith("100 % (96 to 100) of completions are cut at 256 tokens")
    assert "cannot be told: most completions are cut before their answer" in found["verdict"].sentence
    assert {found[rule].level for rule in ("room", "format", "not measured")} == {"caution"}
    assert found["room"].sentence.endswith("of completions that are cut this says nothing.")
    assert "Every completion with a label is wrong (most are cut)" in found["not measured"].sentence


@pytest.mark.parametrize(
    ("name", "model_type", "vocabulary", "family"),
    [
        ("HuggingFaceTB/SmolLM2-135M", "llama", 49152, "llama architecture"),
        ("deepseek-ai/deepseek-llm-7b-base", "llama", 102400, "llama architecture"),  # "llm" is no "llama"
        ("/models/yi-6b", "llama", 64000, "llama architecture"),
        ("runs/export", "llama", 128256, "llama"),
        ("TinyLlama/TinyLlama-1.1B", "llama", 32000, "llama"),
        ("runs/export", "red\x1b[31m", 32000, "red\\x1b[31m"),
    ],
)
def test_the_family_is_more_than_the_architecture(name, model_type, vocabulary, family, monkeypatch):
    config = SimpleNamespace(model_type=model_type, vocab_size=vocabulary)
    monkeypatch.setattr("emlit.preflight.model_facts.load_config", lambda *_: config)
    monkeypatch.setattr("emlit.preflight.model_facts.resolve", lambda name: name)
    facts = model_facts(name)
    assert facts.family == family
    assert ("llama" in findings(model=facts)) == (family == "llama")
