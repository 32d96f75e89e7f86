"""Whose problems a run has where none are named: the embedded model's own for it alone."""

from types import SimpleNamespace

import pytest

from emlit.errors import ConfigError
from emlit.rollout import RolloutDataModule, checks
from emlit.tasks import PromptFile, TinyArithmetic


@pytest.fixture
def hers(tmp_path):
    (tmp_path / "p.jsonl").write_text('{"prompt": "1+1?", "answer": "2"}\n{"prompt": "1+2?", "answer": "3"}\n')
    return PromptFile(str(tmp_path / "p.jsonl"))


def resolve_tasks(data, pretrained, stage):
    asked = checks.RunTasks(data.train_task, data.evaluation_tasks, data.hold_out)
    data.train_task, data.evaluation_tasks, data.hold_out = checks.resolve_tasks(asked, pretrained, stage)


def test_the_embedded_model_has_problems_of_its_own():
    data = RolloutDataModule()
    resolve_tasks(data, "tiny", "fit")
    assert (data.train_task.name, [task.name for task in data.evaluation_tasks]) == ("tiny", ["tiny"])
    data = RolloutDataModule(evaluation=None)
    resolve_tasks(data, "tiny", "fit")
    assert isinstance(data.train_task, TinyArithmetic)
    assert data.evaluation_tasks == []


def test_another_model_has_none(hers):
    with pytest.raises(ConfigError, match=r"data\.train is not set: say what her/model is to be trained on"):
        resolve_tasks(RolloutDataModule(), "her/model", "fit")
    with pytest.raises(ConfigError, match=r"data\.train is not set"):
        resolve_tasks(RolloutDataModule(evaluation=hers), "her/model", "fit")
    for stage in ("validate", "test", "predict"):
        with pytest.raises(ConfigError, match=r"data\.evaluation is not set: say what her/model is to answer"):
            resolve_tasks(RolloutDataModule(), "her/model", stage)
        with pytest.raises(ConfigError, match=r"data\.evaluation is null"):
            resolve_tasks(RolloutDataModule(train=hers, evaluation=None), "her/model", stage)


def test_her_prompts_are_held_out_or_nothing_is_evaluated(hers):
    data = RolloutDataModule(train=hers)
    resolve_tasks(data, "her/model", "fit")
    assert (data.evaluation_tasks, data.hold_out) == ([hers], None)
    resolve_tasks(data, "her/model", "validate")
    data = RolloutDataModule(train=hers, evaluation=None)
    resolve_tasks(data, "her/model", "fit")
    assert (data.evaluation_tasks, data.hold_out) == ([], 0)


def test_nothing_is_measured_where_nothing_is_evaluated():
    from emlit.evaluation import NAMES, evaluate

    data = SimpleNamespace(evaluation_tasks=[])
    assert evaluate(SimpleNamespace(data=data, trainer=SimpleNamespace(global_step=0))) == dict.fromkeys(NAMES)


def test_a_model_of_ones_own_on_the_embedded_arithmetic_is_told(caplog):
    checks.warn_of_toy(TinyArithmetic("train"), "her/model", 49_152)
    assert "her/model is trained on the embedded model's arithmetic" in caplog.text
    caplog.clear()
    checks.warn_of_toy(TinyArithmetic("train"), "runs/tiny/export", 200)
    assert not caplog.text
