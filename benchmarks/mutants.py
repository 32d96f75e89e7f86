"""Reference solutions of HumanEval and MBPP, and the same with one operator changed, under their own tests."""

import ast
import random
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import table
from emlit.sandbox import isolation, run_all, run_python
from emlit.tasks import MBPP, HumanEval, Row, extract_code
from emlit.tasks.programs import CodeBenchmark

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or,
    ast.Or: ast.And, ast.USub: ast.UAdd,
}  # fmt: skip


def mutated(solution: str, chance: random.Random) -> str | None:
    """The program with one of its operators changed; None where it has none."""
    tree = ast.parse(solution)
    places: list[tuple[ast.AST, int | None]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            places += [(node, place) for place, operator in enumerate(node.ops) if type(operator) in _SWAPS]
        elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp | ast.UnaryOp) and type(node.op) in _SWAPS:
            places.append((node, None))
    if not places:
        return None
    node, place = chance.choice(places)
    if place is None:
        node.op = _SWAPS[type(node.op)]()
    else:
        node.ops[place] = _SWAPS[type(node.ops[place])]()
    return ast.unparse(tree)


def graded(directory: Path, seed: int, run: Callable[[str, list], list]) -> str:
    """References and mutants of both sets, and the rate.

    Raises:
        SystemExit: a reference solution did not pass
    """
    rows, missed, chance = [], [], random.Random(seed)
    count, begun = 0, time.perf_counter()
    for task in (HumanEval(str(directory / "humaneval.jsonl")), MBPP(str(directory / "mbpp.jsonl"))):
        references = [(row, extract_code(row.solution)[0]) for row in task.rows()]
        mutants = [(row, text) for row, program in references if (text := mutated(program, chance)) is not None]
        name = type(task).__name__
        results = run(name, [_job(task, row, text) for row, text in references + mutants])
        passed, mutant_results = results[: len(references)], results[len(references) :]
        missed += [f"{name}, {row.id}: {r.reason}" for (row, _), r in zip(references, passed, strict=True) if not r.ok]
        caught = sum(not result.ok for result in mutant_results)
        rows.append([
            name, f"{sum(result.ok for result in passed)} of {len(references)}", f"{caught} of {len(mutants)}",
            ", ".join(row.id.rpartition("/")[2] for (row, _), r in zip(mutants, mutant_results, strict=True) if r.ok),
        ])  # fmt: skip
        count += len(references) + len(mutants)
    rate = count / (time.perf_counter() - begun)
    found = table(["set", "references that pass", "mutants caught by the tests", "mutants that pass"], rows)
    found += f"\n\n{rate:.1f} gradings a second (two sandboxes each), {_alone(200):.1f} programs a second; "
    found += f"isolation: {isolation()}"
    if missed:
        raise SystemExit(f"{found}\n\nreference solutions that do not pass:\n" + "\n".join(missed))
    return found


def _job(task: CodeBenchmark, row: Row, program: str) -> Callable:
    return lambda stop: task.run(row, program, stop)


def _alone(count: int) -> float:
    """Trivial programs a second, on all cores."""
    begun = time.perf_counter()
    run_all([lambda stop: run_python("pass", stop=stop)] * count)
    return count / (time.perf_counter() - begun)
