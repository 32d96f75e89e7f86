"""CONTRIBUTING's examples, read from it and run as they stand."""

import builtins
import json
import re
import symtable
import sys
from types import ModuleType

import pytest
import torch

import cli
from emlit.engines import Completion, ModelSource, Request, Sampling, TransformersEngine
from emlit.modules import EMFT, EMRL, SFT
from emlit.pretrained import stop_token_ids
from emlit.rollout import Prompt
from emlit.strategies import Ask, Reply
from emlit.tiny import MODEL_DIR, problems
from tests.conftest import make_batch
from tests.runs import test_engines
from tests.runs.test_runs import ROOT, fit, scalars
from tests.unit.modules.test_objectives import GROUPS, gradient, ready
from tests.unit.rollout.rollouts import make_stream, resumed_is_the_same, rounds

EACH = re.findall(r"^```python\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.S | re.M)
EXAMPLES = "\n\n".join(EACH)


@pytest.fixture(scope="module")
def examples():
    module = ModuleType("examples_of_contributing")
    sys.modules[module.__name__] = module
    exec(compile(EXAMPLES, "CONTRIBUTING.md", "exec"), vars(module))
    yield module
    del sys.modules[module.__name__]


@pytest.mark.parametrize("example", EACH, ids=lambda text: re.search(r"class (\w+)", text)[1])
def test_an_example_is_whole_on_its_own(example):
    """Each name that its functions look up is its own, imported there, or Python's."""
    names = {"__name__": "example"}
    exec(compile(example, "CONTRIBUTING.md", "exec"), names)
    table = symtable.symtable(example, "CONTRIBUTING.md", "exec")
    below = [table]
    for each in below:
        below += each.get_children()
    used = {symbol.get_name() for each in below for symbol in each.get_symbols() if symbol.is_global()}
    assert used <= {*names, *dir(builtins)}


@pytest.mark.parametrize(
    "make",
    [
        lambda own: own.SquaredEntropy(),
        lambda own: EMRL(kl_weight=0.0, reward=own.ShortAnswerReward(), advantage=own.BestOfGroup()),
        lambda own: EMRL(kl_weight=0.0, policy_update=own.PositivePart()),
        lambda own: EMFT(loss_terms=[own.EntropyTarget()]),
        lambda own: EMRL(kl_weight=0.0, token_weights=[own.FirstTokens(2)]),
        lambda own: SFT(token_weights=[own.FirstTokens(2)], loss_terms=[own.EntropyTarget()]),
    ],
)
def test_gradients_do_not_depend_on_the_cut(make, examples):
    whole = make_batch(GROUPS)
    parts = [make_batch([group], normaliser=whole.normaliser) for group in GROUPS]
    one, other = (gradient(ready(make(examples), micro_batches=len(cut)), cut) for cut in ([whole], parts))
    assert any(value.abs().max() > 0 for value in one.values())
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-8)


def test_rollouts(examples, tokenizer):
    stream = make_stream(tokenizer, examples.SecondThought(), samples=3)
    for group in (group for batch in sum(rounds(stream, 1), []) for group in batch.groups):
        assert [c.given for c in group.completions] == [0, 0, 2]
        assert group.completions[2].tokens[:2] == group.completions[0].tokens[:2]
    resumed_is_the_same(tokenizer, examples.SecondThought, 1, 2)


def test_an_entropy_target_pulls_towards_it(examples):
    batch, plain = make_batch(GROUPS), None
    for target, sign in ((0.01, 1), (50.0, -1)):
        module = ready(EMFT(loss_terms=[examples.EntropyTarget(target, weight=0.5)]))
        first = gradient(module, [batch])
        plain = plain or first  # nothing is known of a step before
        module.loss_terms[0].update(lambda value, how: value)
        for name, found in gradient(module, [batch]).items():
            torch.testing.assert_close(found, (1 + 0.5 * sign) * plain[name], rtol=1e-4, atol=1e-6)


def test_a_task_and_a_way_of_decoding(examples):
    task = examples.Reversal()
    row = task.rows()[0]
    assert [task.grade(row, text).correct for text in ("it is cba", "abc", "")] == [True, False, False]
    ends = iter(["length", "stop", "stop"])

    def sample(asks):
        return [Reply([1, 2], Completion([3, 4, 5], None, next(ends)), "cba") for _ in asks]

    turns = examples.FirstToStop().turn([Ask(Prompt(task, row, [1, 2]), number) for number in (0, 1)], sample)
    assert [turn.sampled_tokens for turn in turns] == [6, 3]
    assert all(turn.reply.completion.finish_reason == "stop" for turn in turns)


def test_a_decoding(examples):
    logits, decoding = torch.tensor([[0.0, -1.0, -3.0], [5.0, 1.0, 3.5]]), examples.TopAlone()
    engine = TransformersEngine(device="cpu")
    engine.start(ModelSource(str(MODEL_DIR), 64, (1,)))
    assert decoding(logits).isfinite().tolist() == [[True, True, False], [True, False, True]]
    requests, narrow = [Request([5, 6, 7], 0)], Sampling(max_tokens=8, decoding=examples.TopAlone(gap=0.0))
    found, likeliest = (engine.generate(requests, each)[0] for each in (narrow, Sampling(temperature=0, max_tokens=8)))
    assert found.tokens == likeliest.tokens
    assert max(map(abs, found.logprobs)) == 0


def test_an_engine(examples, tokenizer):
    engine = examples.OneByOne()
    engine.start(ModelSource(str(MODEL_DIR), 256, stop_token_ids(str(MODEL_DIR), tokenizer)))
    chats = [[{"role": "user", "content": row["prompt"]}] for row in problems("test", 5, difficulty="hard")]
    prompts = [tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"] for chat in chats]
    for promise in (
        test_engines.test_a_seed_decides_a_completion_whatever_else_is_in_the_batch,
        test_engines.test_the_global_random_state_is_left_alone,
        test_engines.test_new_weights_are_used_at_once,
        test_engines.test_progress_is_reported,
    ):
        promise(engine, prompts)
    test_engines.test_logprobs_are_those_of_the_sampled_distribution(engine, prompts, 0.7)
    engine.close()


def test_a_metric_of_validate(tmp_path, monkeypatch):
    (tmp_path / "my_package.py").write_text(EXAMPLES.replace('"wait"', '"="'))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_package", raising=False)
    cli.main(
        ["validate", "--config", str(ROOT / "configs/tiny/em_inf.yaml"), f"--run_dir={tmp_path / 'run'}",
         "--engine=transformers", "--data.evaluation.n=4", "--data.evaluation_samples=2",
         "--preflight.metrics+=my_package.SecondThoughts"]
    )  # fmt: skip
    (row,) = json.loads((tmp_path / "run/report.json").read_text())
    assert 0 < row["SecondThoughts"] <= 1
    assert "SecondThoughts" in (tmp_path / "run/report.md").read_text()


def test_examples_from_the_command_line(tmp_path, monkeypatch):
    (tmp_path / "my_package.py").write_text(EXAMPLES)
    monkeypatch.syspath_prepend(tmp_path)
    summary = fit(
        "em_rl_token", tmp_path / "run", "--model.reward=my_package.ShortAnswerReward",
        "--model.advantage=my_package.BestOfGroup", "--model.policy_update=my_package.PositivePart",
        "--model.token_weights+=my_package.FirstTokens", "--model.token_weights.tokens=3",
        "--model.loss_terms+=my_package.EntropyTarget", "--data.train=my_package.Reversal",
        "--data.prompts_per_round=2", "--data.rollouts=my_package.SecondThought",
    )  # fmt: skip
    assert summary["steps"] == 4
    assert max(scalars(tmp_path / "run")["reward/mean"].values()) <= 0


def test_readme_from_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.S | re.M)
    smaller = example.replace("max_steps=20", "max_steps=2").replace("evaluation=None", "evaluation=None, **SMALL")
    exec(smaller, {"SMALL": {"prompts_per_round": 4}})
    assert (tmp_path / "runs/mine/export/model.safetensors").is_file()
