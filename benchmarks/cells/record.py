"""What has been measured of the cells, and kept: measured.json beside this file."""

import json
from pathlib import Path
from typing import Any

import yaml

from benchmarks.cells import CELLS
from benchmarks.collapse import kept_by

FILE = Path(__file__).parent / "measured.json"
FORESEEN = (
    "pass@1", "pass@4", "maj@4", "format_rate", "truncated", "token_entropy", "semantic_entropy", "agreement",
    "auroc_votes", "auroc_votes_within", "auroc", "auroc_within",
)  # fmt: skip
TRAINED = ("pass@1", "greedy", "maj@2", "pass@2", "format_rate", "mean_length", "mean_entropy")
DECODED = (
    "pass@1", "format_rate", "accuracy_given_format", "truncated", "sampled_tokens_an_answer", "seconds"
)  # fmt: skip

# By the cell's name: its model; `before`, what `validate` measured, with its `verdict`; `decodings`, plain sampling
# first, each with its gain beside that; `trained`, each run's curve, the step that the guard keeps and, of runs since
# December 2026, the probe's prompts and samples. `bfloat16` and `gguf` say what was computed with.
Cells = dict[str, dict[str, Any]]


def load() -> Cells:
    """In the order of CELLS; what was measured elsewhere (the embedded reasoner) behind them."""
    found: Cells = json.loads(FILE.read_text())
    order = [cell.name for cell in CELLS]
    return dict(sorted(found.items(), key=lambda each: order.index(each[0]) if each[0] in order else len(order)))


def add(new: Cells) -> None:
    """Into the record; a decoding or a run of the same name is replaced."""
    cells: Cells = json.loads(FILE.read_text())
    for name, cell in new.items():
        if not all(each.get("gguf", True) for each in (cell, *cell["trained"].values())):
            raise SystemExit(f"{name} was run on the hub's weights; the record is of GGUF files (--weights)")
        old = cells.get(name, {})
        cells[name] = old | cell | {key: old.get(key, {}) | cell[key] for key in ("decodings", "trained")}
    FILE.write_text(json.dumps(_rounded(cells), indent=1) + "\n")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value


def gathered(run_dir: Path) -> Cells:
    """What has been finished in a directory of benchmarks.real_cells."""
    known = {cell.name: cell for cell in CELLS}
    places = sorted(path for path in run_dir.glob("*") if path.name in known)
    found = {place.name: _cell(place, known[place.name].model) for place in places}
    return {name: cell for name, cell in found.items() if "before" in cell or cell["decodings"] or cell["trained"]}


def _cell(place: Path, model: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"model": model, "decodings": {}, "trained": {}}
    if (report := place / "preflight" / "report.json").exists():
        measured = json.loads(report.read_text())[0]
        cell |= {"before": {name: measured.get(name) for name in FORESEEN}, "verdict": measured["findings"][0]}
    if (report := place / "decodings" / "report.json").exists():
        cell["decodings"] = _decodings(report.parent)
        cell |= _weights(_config(report.parent))
    for file in sorted(place.glob("*/summary.json")):
        summary = json.loads(file.read_text())
        curve = [{key: each.get(key) for key in ("step", *TRAINED)} for each in summary["curve"]]
        kept = kept_by(summary)["the guard"] if summary.get("guard") else None
        config = _config(file.parent)
        probe = [config["guard"]["prompts"], config["guard"]["start_samples"]]
        cell["trained"][file.parent.name] = {"curve": curve, "kept": kept, "probe": probe, **_weights(config)}
    return cell


def _config(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((run / "config.yaml").read_text())
    return found


def _weights(config: dict[str, Any]) -> dict[str, bool]:
    """What was computed with: bfloat16, and 4-bit weights."""
    precision, pretrained = config["trainer"]["precision"], config["model"]["init_args"]["pretrained"]
    return {"bfloat16": str(precision).startswith("bf16"), "gguf": pretrained.endswith(".gguf")}


def _decodings(place: Path) -> dict[str, Any]:
    report = json.loads((place / "report.json").read_text())
    plain, found = report[0]["decoding"], {}
    pairs = json.loads((place / "comparisons.json").read_text())
    gains = {each["second"]: each["difference"] for each in pairs if each["first"] == plain}
    for each in report:
        low, high = each["intervals"]["pass@1"]
        gain = gains.get(each["decoding"])
        found[each["decoding"]] = {name: each.get(name) for name in DECODED} | {
            "low": low, "high": high, "gain": gain and {side: gain[side] for side in ("value", "low", "high")}
        }  # fmt: skip
    return found
