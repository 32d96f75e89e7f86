"""Reference solutions of HumanEval and MBPP, and the same with one operator changed, under their own tests."""

import ast
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import table
from emlit.sandbox import isolation, run_all, run_python, run_tests

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or,
    ast.Or: ast.And, ast.USub: ast.UAdd,
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A reference solution with its tests.

    Attributes:
        id: of the row
        solution: a whole program
        tests: a whole program
        names: what the tests use of the solution
    """

    id: str
    solution: str
    tests: str
    names: tuple[str, ...]


def humaneval(file: Path) -> list[Problem]:
    found = []
    for row in _rows(file):
        solution = row["prompt"] + row["canonical_solution"]
        names = tuple(node.name for node in ast.parse(solution).body if isinstance(node, ast.FunctionDef))
        tests = f"{row['test']}\n\ncheck({row['entry_point']})\n"
        found.append(Problem(row["task_id"], solution, tests, names))
    return found


def mbpp(file: Path) -> list[Problem]:
    found = []
    for row in _rows(file):
        body = ast.parse(row["code"]).body
        defined = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        tests = "\n".join([*row["test_imports"], *row["test_list"]]) + "\n"
        used = {node.id for node in ast.walk(ast.parse(tests)) if isinstance(node, ast.Name)}
        names = tuple(name for name in defined if name in used)
        found.append(Problem(f"MBPP/{row['task_id']}", row["code"], tests, names))
    return found


def _rows(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


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
    for name, problems in (
        ("HumanEval", humaneval(directory / "humaneval.jsonl")), ("MBPP", mbpp(directory / "mbpp.jsonl")),
    ):  # fmt: skip
        mutants = [(problem, text) for problem in problems if (text := mutated(problem.solution, chance)) is not None]
        cases = [(problem, problem.solution) for problem in problems] + mutants
        results = run(name, [_job(problem, text) for problem, text in cases])
        passed, mutant_results = results[: len(problems)], results[len(problems) :]
        missed += [f"{p.id}: {r.reason}" for p, r in zip(problems, passed, strict=True) if not r.ok]
        caught = sum(not result.ok for result in mutant_results)
        rows.append([
            name, f"{sum(result.ok for result in passed)} of {len(problems)}", f"{caught} of {len(mutants)}",
            ", ".join(p.id.rpartition("/")[2] for (p, _), r in zip(mutants, mutant_results, strict=True) if r.ok),
        ])  # fmt: skip
        count += len(cases)
    rate = count / (time.perf_counter() - begun)
    found = table(["set", "references that pass", "mutants caught by the tests", "mutants that pass"], rows)
    found += f"\n\n{rate:.1f} gradings a second (two sandboxes each), {_alone(200):.1f} programs a second; "
    found += f"isolation: {isolation()}"
    if missed:
        raise SystemExit(f"{found}\n\nreference solutions that do not pass:\n" + "\n".join(missed))
    return found


def _job(problem: Problem, solution: str) -> Callable:
    return lambda stop: run_tests(solution, problem.tests, problem.names, timeout=10.0, stop=stop)


def _alone(count: int) -> float:
    """Trivial programs a second, on all cores."""
    begun = time.perf_counter()
    run_all([lambda stop: run_python("pass", stop=stop)] * count)
    return count / (time.perf_counter() - begun)
