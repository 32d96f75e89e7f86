"""The optimiser by its class path: what it is given, and what is refused in a sentence."""

import re
from functools import partial

import pytest
import torch

from emlit.command_line import run
from emlit.errors import ConfigError
from emlit.modules.optimizers import fusable, make_optimizer
from tests.runs.test_runs import ROOT

MATRIX = torch.nn.Parameter(torch.ones(3, 2))
VECTOR = torch.nn.Parameter(torch.ones(3))


def test_adamw_unless_another_is_named():
    made = make_optimizer(None, [MATRIX], 0.1, 0.2)
    assert type(made) is torch.optim.AdamW
    assert (made.defaults["lr"], made.defaults["weight_decay"]) == (0.1, 0.2)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_fused_adamw_takes_the_same_steps_and_is_clipped(precision, tmp_path, monkeypatch):
    def trained(name: str, fused: bool) -> dict[str, torch.Tensor]:
        def make(*given):
            return make_optimizer(*given[:4], fused)  # as on a GPU

        monkeypatch.setattr("emlit.modules.objective.make_optimizer", make)
        run(
            ["fit", f"--config={ROOT}/configs/tiny/em_ft.yaml", f"--run_dir={tmp_path / name}",
             "--data.engine=TransformersEngine", "--data.prompts_per_round=4", "--trainer.max_steps=2",
             f"--trainer.precision={precision}", "--trainer.gradient_clip_val=1e-3", "--summary.enabled=false",
             "--export.enabled=false", "--guard.mode=off", "--sync.max_gap=1"]
        )  # fmt: skip
        return torch.load(tmp_path / name / "checkpoints/last.ckpt", weights_only=True)

    one, other = trained("plain", False), trained("fused", True)
    assert other["optimizer_states"][0]["param_groups"][0]["fused"]
    for name, weight in one["state_dict"].items():
        torch.testing.assert_close(other["state_dict"][name], weight, rtol=1e-5, atol=1e-7)
    norms = [state["exp_avg"].norm() for state in other["optimizer_states"][0]["state"].values()]
    assert torch.stack(norms).norm() <= 1e-3  # of gradients that were clipped


def test_where_a_step_is_one_kernel():
    assert not fusable([MATRIX])
    assert fusable([torch.nn.Parameter(torch.empty(2**24))])
    assert not fusable([torch.nn.Parameter(torch.empty(2**24, device="meta"))])


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Muon, torch.optim.Adafactor])
def test_the_rate_and_the_decay_are_the_models(kind):
    made = make_optimizer(kind, [MATRIX], 0.1, 0.2)
    assert type(made) is kind
    assert (made.param_groups[0]["lr"], made.param_groups[0]["weight_decay"]) == (0.1, 0.2)


def test_what_takes_no_rate_is_not_given_one():
    made = make_optimizer(lambda parameters: torch.optim.SGD(parameters, lr=7.0), [MATRIX], 0.1, 0.0)
    assert made.defaults["lr"] == 7.0


@pytest.mark.parametrize(
    ("make", "parameters", "decay", "expected"),
    [
        (torch.optim.Muon, [MATRIX, VECTOR], 0.0, "Muon, which refuses the model: .*lora.r 16"),
        (torch.optim.LBFGS, [MATRIX], 0.1, "weight_decay is 0.1, but LBFGS has none"),
        (partial(torch.optim.AdamW, lr=5.0), [MATRIX], 0.0, r"optimizer\.lr is 5\.0, beside model\.learning_rate"),
    ],
)
def test_refusals(make, parameters, decay, expected):
    with pytest.raises(ConfigError, match=expected):
        make_optimizer(make, parameters, 0.1, decay)


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (["--model.optimizer=torch.optim.AdamW", "--model.optimizer.betas=[0.9, 0.95]"], {"betas": (0.9, 0.95)}),
        (["--model.optimizer=torch.optim.Muon", "--model.lora.r=4"], {"momentum": 0.95}),
    ],
    ids=["AdamW", "Muon on adapters"],
)
def test_a_run_with_it(optimizer, expected, tmp_path):
    run(
        ["fit", f"--config={ROOT}/configs/tiny/em_ft.yaml", f"--run_dir={tmp_path}", *optimizer,
         "--data.engine=TransformersEngine", "--data.prompts_per_round=4", "--trainer.max_steps=1",
         "--model.learning_rate=1e-5", "--summary.enabled=false", "--export.enabled=false", "--guard.mode=off"]
    )  # fmt: skip
    state = torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)["optimizer_states"][0]
    (group,) = state["param_groups"]
    assert group["lr"] == 1e-5
    assert {name: tuple(v) if isinstance(v := group[name], list) else v for name in expected} == expected


def test_a_wrong_setting_is_one_sentence(run_sentence):
    given = ["fit", f"--config={ROOT}/configs/tiny/em_ft.yaml", "--model.optimizer=torch.optim.AdamW"]
    found = run_sentence(run, [*given, "--model.optimizer.betaz=1"])
    assert re.search(r"model\.optimizer\.betaz: there is no such key; did you mean betas", found)
