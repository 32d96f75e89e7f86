"""What a model writes behind its function to try it out."""

import ast
from collections.abc import Collection

from emlit.tasks.program_names import DEFINITIONS, LIBRARY, names_bound, names_read, parsed

# What tries a function out reads no other modules, and none of these builtins.
_MODULES = {
    *("bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools"),
    *("heapq", "itertools", "math", "numpy", "operator", "random", "re", "statistics", "string", "time", "typing"),
}
_BUILTINS = {
    *("__import__", "breakpoint", "compile", "delattr", "eval", "exec", "exit", "getattr", "globals", "input"),
    *("locals", "memoryview", "open", "quit", "setattr", "vars"),
}


def without_trials(program: str, wanted: Collection[str]) -> str:
    """A program without what tries it out behind its last definition: a wrong test of the model's own is none of ours.

    Kept is what binds a wanted name, or one that the functions and classes read; and all of it where the rest does more
    than call what the program defines: it imports, or reads a module or builtin that reaches beyond the program.
    EvalPlus leaves out whatever the wanted function does not need.
    """
    tree = parsed(program)
    places = [place for place, node in enumerate(tree.body) if isinstance(node, LIBRARY)] if tree else []
    if tree is None or not places:
        return program
    needed = set(wanted)
    for node in tree.body:
        if isinstance(node, DEFINITIONS):
            needed |= set(names_read(node)) - names_bound(node)
    tail = tree.body[places[-1] + 1 :]
    rest = [node for node in tail if needed.isdisjoint(names_bound(node))]
    if not _only_tries(rest, tree):
        return program
    tries = set(rest)
    kept = {line for node in tree.body if node not in tries for line in _lines(node)}
    gone = {line for node in rest if kept.isdisjoint(_lines(node)) for line in _lines(node)}  # a line may have several
    return "\n".join(line for number, line in enumerate(program.split("\n"), 1) if number not in gone)


def _only_tries(statements: list[ast.stmt], program: ast.Module) -> bool:
    beyond = set(_BUILTINS)
    for node in ast.walk(program):
        if isinstance(node, ast.Import):
            beyond |= {each.asname or each.name for each in node.names if not _is_of_trials(each.name)}
        elif isinstance(node, ast.ImportFrom) and not _is_of_trials(node.module or ""):
            beyond |= {each.asname or each.name for each in node.names}
    beyond = {name.partition(".")[0] for name in beyond}
    return not any(
        isinstance(node, ast.Import | ast.ImportFrom) or isinstance(node, ast.Name) and node.id in beyond
        for statement in statements
        for node in ast.walk(statement)
    )


def _is_of_trials(module: str) -> bool:
    return module.partition(".")[0] in _MODULES


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
