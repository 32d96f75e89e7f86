"""Each benchmark in a size of seconds, so that none rots; what they print in full stands in benchmarks/README.md."""

import subprocess
import sys
from pathlib import Path

import pytest

from emlit.sandbox.isolation import probe
from emlit.sandbox.levels import ISOLATING

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["entropy_head", "--smoke"], ["| 64 | linear_token_stats |", "| 64 | three bare matrix products |"]),
        (["gpu_check", "--smoke"], ["| head | as it should be |", "| micro-batch | as it should be |", "0 failed"]),
        (["em_inf", "--smoke"], ["| 2 |", "| vLLM, EM-INF on every request |", "released code's way"]),
        (["rl_step", "--smoke"], ["| emlit EM-RL |", "| emlit EM-FT |", "| one-shot-EM loop |"]),
        (["scaling", "--smoke"], ["| exponent in tokens |", "| exponent in rows |", "| exponent in vocabulary |"]),
        (["shared_prefix", "--smoke"], ["| 50 |"]),
        (["packing", "--smoke"], ["| 64 |"]),
        (["drawn_stats", "--smoke"], ["differ by, nats"]),
        (["first_requests"], ["| EM-INF, first |"]),
        (["servers", "--smoke"], ["| server |", "| in this process |", "peak of the trainer"]),
        (["lora_memory", "--smoke"], ["| EM-FT, LoRA |", "| EM-RL, LoRA |"]),
        (["weight_streaming", "--smoke"], ["| tensor by tensor |", "| all at once |"]),
        (["grading", "--smoke"], ["| math500 | 4 | 4 | 100.0% |", "| gsm8k | 2 | 2 | 100.0% |"]),
        (["survive", "--smoke"], ["| checkpoint writing |", "| prediction writing |", "all 16, the same"]),
        (["survive", "--rounds", "4", "--engines", "TransformersEngine"], ["| TransformersEngine | 4 |", "| none |"]),
        (["sandbox", "--smoke"], ["| fork bomb |", "| os._exit(0) |", "nothing lost, leaked, left or graded right"]),
        (
            ["strategies", "--smoke"],
            ["tiny, seeds 0", "tiny-hard, seeds 0", "| self-consistency of 4 + EM-INF (released), T=1 |"],
        ),
        (["tiny_model", "--n", "4"], ["| default |", "| hard |"]),
        (["streamed_prompts", "--smoke"], ["| StreamedPrompts, again | 2,000 |", "| PromptFile"]),
        (["collapse", "--smoke"], ["em_rl_token, hard", "| the guard |", "| entropy below 25 % |"]),
        (["methods", "--smoke"], ["| em_ft |", "| em_rl_sequence |"]),
        (["methods", "--smoke", "--brakes"], ["| em_ft, none |", "| em_ft, KL to the reference, 0.1 |"]),
        (["step_cost", "--smoke"], ["| clip_cov |"]),
        (["real_figure"], ["real.svg"]),
        (["real_tables"], ["real.md, decodings", "real_cells.md, steps"]),
        (["methods_tables"], ["labelled", "| grpo |", "hours of training in the record"]),
        (["foreknown"], ["| token_entropy | no |", "| the commoner outcome |"]),
        (["tiny_reasoner", "--smoke", "--baselines"], ["| SFT, labelled |", "| SC-RL |", "| self-certainty |"]),
        (["tiny_reasoner", "--smoke"], ["| step | em_ft | em_rl_sequence | em_rl_token |", "| 1 |"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and "|" not in value[0] else "",
)
def test_it_runs_and_prints_its_table(arguments, expected, tmp_path):
    if arguments[0] == "sandbox" and all(map(probe, ISOLATING)):
        pytest.skip("nothing shuts programs in here")
    command = [sys.executable, "-m", f"benchmarks.{arguments[0]}", *arguments[1:]]
    if arguments[0] in ("tiny_reasoner", "collapse", "grading", "strategies", "methods"):
        command += ["--run_dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    for cell in expected:
        assert cell in done.stdout
