"""What a shell is offered: commands, configs, keys, those of a class that was named before."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emlit.completion import completions, options
from emlit.play.__main__ import main as play
from emlit.report.__main__ import main as report


def offered(line: str) -> list[str]:
    return completions({"COMP_LINE": line, "COMP_POINT": str(len(line))})


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("emlit pre", ["predict"]),
        ("emlit ", ["fit", "validate", "test", "predict", "configs", "play", "report"]),
        ("emlit fit --da", ["--data."]),
        ("emlit fit --see", ["--seed_everything "]),
        ("emlit fit --data.sampling.top", ["--data.sampling.top_p ", "--data.sampling.top_k "]),
        ("emlit fit --model emlit.modules.EMRL --model.adv", ["--model.advantage "]),
        ("emlit fit --model emlit.modules.EMFT --model.adv", []),
        ("emlit fit --data.train emlit.tasks.PromptFile --data.train.pa", ["--data.train.path "]),
        ("emlit fit --config emlit://tiny/em_ft", ["//tiny/em_ft", "//tiny/em_ft_lora"]),
        ("emlit fit --config ", []),
        ("emlit fit --confgi x --da", []),
        ("emlit fti --da", []),
        ("emlit fit --run_dir ", []),
        ("emlit fit --engine ", ["vllm", "transformers", "server", "replay"]),
        ("emlit fit --engine=re", ["replay"]),
        ("emlit fit --profile s", ["simple"]),
        ("emlit fit --dry_run=", ["true", "false"]),
        ("emlit fit --data.engine VLLMS", ["VLLMServerEngine"]),
        ("emlit fit --data.train=Pro", ["PromptFile"]),
        ("emlit fit --data.evaluation held", ["held_out"]),
        ("emlit fit --guard.mode ", ["off", "warn", "stop"]),
        ("emlit fit --model=EMR", ["EMRL"]),
        ("emlit fit --model emlit.modules.EMRL --model.reduction sequence_", ["sequence_mean", "sequence_sum"]),
        ("emlit fit --data.sampling.top_p ", []),
        ("emlit fit --nothing ", []),
        ("emlit play --", ["--port "]),
        ("emlit play ", []),
        ("emlit report runs/a --h", ["--html "]),
    ],
)  # fmt: skip
def test_what_is_offered(line, found):
    assert offered(line) == found


@pytest.mark.parametrize(("name", "command"), [("play", play), ("report", report)])
def test_options_are_those_of_the_command(name, command, capsys):
    with pytest.raises(SystemExit):
        command(["--help"])
    assert set(options(name)) == set(re.findall(r"^  (--\w+)", capsys.readouterr().out, re.MULTILINE))


def test_the_cursor_may_stand_inside_of_the_line():
    assert completions({"COMP_LINE": "emlit fi --config x", "COMP_POINT": "8"}) == ["fit"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_asks_it():
    emlit = Path(sys.executable).parent / "emlit"
    asked = f"COMP_LINE='emlit va' COMP_POINT=8 {emlit} complete emlit va emlit"
    assert subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True).stdout == "validate\n"
