"""The tables of docs/real.md and docs/real_cells.md, from benchmarks/cells/measured.json.

    python -m benchmarks.real_tables                    all of them, from the record
    python -m benchmarks.real_tables --run_dir DIR      after adding what benchmarks.real_cells has finished there
    python -m benchmarks.real_tables --docs docs        written into real.md and real_cells.md of that directory

Prints Markdown. In the docs a table stands between <!-- NAME --> and <!-- /NAME -->.
"""

import re
from pathlib import Path
from typing import Any

from benchmarks.cells.reading import (
    DECODINGS,
    USUAL_RATES,
    by_format,
    changed,
    decoded,
    effect,
    expectation,
    expected,
    method_named,
    named,
    problems,
    run_named,
    run_of,
    runs,
    strong,
)
from benchmarks.cells.record import FORESEEN, Cells, add, gathered, load
from benchmarks.foreknown import foreknown
from benchmarks.measure import parser, table


def decodings(cells: Cells) -> str:
    """pass@1 of plain sampling, and what the other decodings gain beside it."""
    others = [decoding for decoding in DECODINGS if decoding != "T=1"]
    rows = []
    for name, found in decoded(cells).items():
        told = [marked(found[decoding]["gain"]) if decoding in found else "" for decoding in others]
        rows.append([f"{named(name)}, {problems(name)}", share(found["T=1"]["pass@1"]), *told])
    return table(["model, task, form, problems", *DECODINGS.values()], rows)


def marked(gain: dict[str, Any]) -> str:
    """A difference, in bold where it is more than chance."""
    return f"**{gain['value']:+.3f}**" if effect(gain) != "none shown" else f"{gain['value']:+.3f}"


def in_full(cells: Cells) -> str:
    return "\n\n".join(
        _decodings_of(name, cells[name].get("bfloat16", False), found) for name, found in decoded(cells).items()
    )


def _decodings_of(name: str, bfloat16: bool, found: dict[str, Any]) -> str:
    rows = []
    for decoding, short in DECODINGS.items():
        if (each := found.get(decoding)) is None:
            continue
        gain = each["gain"]
        beside = f"{gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})" if gain else ""
        if gain and effect(gain) != "none shown":
            beside += f" {strong(effect(gain))}"
        rows.append([
            short, f"{each['pass@1']:.3f} ({each['low']:.3f} to {each['high']:.3f})", beside,
            share(by_format(found["T=1"], each), 2) if gain and effect(gain) != "none shown" else "",
            share(each["format_rate"], 2), share(each["accuracy_given_format"]), share(each["truncated"], 2),
            share(each["sampled_tokens_an_answer"], 0), share(each["seconds"], 0),
        ])  # fmt: skip
    model, *rest = named(name, whole=True).rsplit(", ", 2)
    title = ", ".join([model, *(["bfloat16"] if bfloat16 else []), *rest, f"{problems(name)} problems"])
    header = ["pass@1 (95 %)", "beside plain", "by format", "format", "right given format", "cut", "tokens", "seconds"]
    return table([title, *header], rows)


def foreseen(cells: Cells) -> str:
    shown = ("pass@1", "pass@4", "format_rate", "token_entropy", "agreement", "auroc_votes", "auroc")
    digits = {"format_rate": 2, "token_entropy": 2}
    rows = []
    for name, cell in cells.items():
        found = {decoding: each["gain"] for decoding, each in cell["decodings"].items() if each["gain"]}
        if "before" in cell and found:
            told = [
                f"{found[d]['value']:+.3f}: {strong(effect(found[d]))}"
                if "value" in found[d]
                else strong(effect(found[d]))
                for d in ("EM-INF (released), T=1", "EM-INF (paper), T=1", "greedy")
            ]
            rows.append(
                [
                    named(name),
                    *(share(cell["before"][key], digits.get(key, 3)) for key in shown),
                    expectation(cell),
                    *told,
                ]
            )
    header = ["pass@1", "pass@4", "format", "entropy, nats", "agreement", "AUROC of votes", "AUROC", "EM is expected"]
    return table(["cell", *header, "EM-INF, released", "EM-INF, paper", "greedy"], rows)


def preflights(cells: Cells) -> str:
    """All that was measured before, as the record names it."""
    rows = [
        [name, *(share(cell["before"][key]) for key in FORESEEN), expectation(cell)]
        for name, cell in cells.items()
        if "before" in cell
    ]
    return table(["cell", *FORESEEN, "EM is expected"], rows)


def verdicts(cells: Cells) -> str:
    """How often what was expected came, of decodings."""
    rows = []
    for expects, what in ((True, "to help, with reservations"), (False, "not to help, to hurt, or not told")):
        counts = []
        for decoding in ("greedy", "EM-INF (paper), T=1", "EM-INF (released), T=1"):
            known = [
                cell["decodings"][decoding]["gain"]
                for cell in cells.values()
                if "before" in cell and decoding in cell["decodings"] and expected(cell) == expects
            ]
            helped = sum(effect(gain) == "helps" for gain in known)
            counts += [str(helped), str(len(known) - helped)]
        rows.append([what, *counts])
    header = [
        f"{name} {what}" for name in ("greedy", "EM-INF (paper)", "EM-INF (released)") for what in ("helps", "not")
    ]
    return table(["the verdict, and what then came (*not*: as far as can be told)", *header], rows)


def training_verdicts(cells: Cells) -> str:
    """How often what was expected came, of training: at the best step that was measured, and at the last."""
    counts: dict[tuple[bool, str], dict[str, list[int]]] = {}
    for name, run, curve, _ in runs(cells):
        method, rate, _ = run_of(run)
        key = expected(cells[name]), method_named(method) + (f", {rate}" if rate not in USUAL_RATES else "")
        row = counts.setdefault(key, {what: [0, 0] for what in ("helps", "none shown", "hurts")})
        best = max(curve, key=lambda each: each["pass@1"])
        for number, end in enumerate((best, curve[-1])):
            row[effect(changed(curve[0], end, problems(name)))][number] += 1
    rows = [
        [
            f"{'to help, with reservations' if helps else 'not to help'}: {what}",
            *(f"{best}, {last}" for best, last in row.values()),
        ]
        for (helps, what), row in sorted(counts.items(), key=lambda each: (not each[0][0], each[0][1]))
    ]
    return table(
        ["the verdict, and what training did: at the best step, at the last", "helps", "none shown", "hurts"], rows
    )


def trained(cells: Cells) -> str:
    rows = []
    for name, run, curve, kept in runs(cells):
        start, end = curve[0], curve[-1]
        best = max(curve, key=lambda each: each["pass@1"])
        came = {each["step"]: strong(effect(changed(start, each, problems(name)))) for each in curve}
        held = next((each for each in curve if each["step"] == kept), None)
        rows.append([
            named(name), run_named(run), expectation(cells[name]).split(",")[0], share(start["pass@1"]),
            f"{best['pass@1']:.3f} at {best['step']}{'' if best is start else ': ' + came[best['step']]}",
            f"{end['pass@1']:.3f} at {end['step']}: {came[end['step']]}",
            ", ".join(share(each["greedy"]) for each in (start, best, end)),
            f"{held['pass@1']:.3f} at {held['step']}" if held else "",
        ])  # fmt: skip
    header = ["EM is expected", "pass@1 before", "best", "last", "greedy before, at the best, last", "the guard keeps"]
    return table(["cell", "method", *header], rows, left=3)


def steps(cells: Cells) -> str:
    rows = [
        [f"{named(name)}, {run_named(run)}, step {each['step']}{', kept' if each['step'] == kept else ''}"]
        + [share(each[key]) for key in ("pass@1", "greedy", "maj@2", "pass@2", "format_rate")]
        + [share(each["pass@1"] / each["format_rate"] if each["format_rate"] else None)]
        + [share(each["mean_length"], 1), share(each["mean_entropy"])]
        for name, run, curve, kept in runs(cells)
        for each in curve
    ]
    header = ["pass@1", "greedy", "maj@2", "pass@2", "format", "right given format", "tokens", "entropy, nats"]
    return table(["", *header], rows)


def share(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


TABLES = {
    "real.md": {
        "decodings": decodings, "trained": trained, "foreseen": foreseen, "verdicts": verdicts,
        "training verdicts": training_verdicts, "foreknown": foreknown,
    },
    "real_cells.md": {"in full": in_full, "steps": steps},
}  # fmt: skip


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument(
        "--run_dir", type=Path, help="of benchmarks.real_cells; its cells are added to the record"
    )
    arguments_of.add_argument("--docs", type=Path, help="a directory with real.md and real_cells.md, to write into")
    arguments = arguments_of.parse_args()
    if arguments.run_dir:
        add(gathered(arguments.run_dir))
    cells = load()
    for file, tables in TABLES.items():
        for name, made in tables.items():
            if arguments.docs:
                place = arguments.docs / file
                place.write_text(replaced(place.read_text(), name, made(cells)))
            else:
                print(f"{file}, {name}\n\n{made(cells)}\n")


def replaced(text: str, name: str, new: str) -> str:
    """The document with another table of this name."""
    around = re.compile(rf"(<!-- {name} -->\n\n).*?(\n\n<!-- /{name} -->)", re.DOTALL)
    if not around.search(text):
        raise SystemExit(f"there is no <!-- {name} --> with its end in the document")
    return around.sub(lambda found: f"{found[1]}{new}{found[2]}", text)


if __name__ == "__main__":
    main()
