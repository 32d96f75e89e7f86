"""What a model writes behind its function to try it out."""

import ast
from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import accumulate

from emlit.tasks.program_names import LIBRARY, names_bound, names_read, parsed

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
    """A program that what tries it out behind its last definition cannot fail: a wrong test of the model's own is none
    of ours.

    Left out is what only calls the wanted functions, and has no name in common with what they are made of. The rest may
    fill a table that they read: it is run, and what it raises is passed over. What binds a wanted name stays, and all
    does where something of it reaches beyond the program: it imports, or reads a module or builtin that does.
    """
    text = program.replace("\r\n", "\n").replace("\r", "\n")
    tree = parsed(text)
    places = [place for place, node in enumerate(tree.body) if isinstance(node, LIBRARY)] if tree else []
    tail = tree.body[places[-1] + 1 :] if tree and places else []
    if not tree or not tail or not _only_tries(tail, tree):
        return program
    raw = text.encode()
    lines = [0, 0, *accumulate(len(line) + 1 for line in raw.split(b"\n"))]  # where each begins, from 1
    parts = [raw[: lines[tail[0].lineno] + tail[0].col_offset]]
    made_of = _connected(tree.body, wanted)
    for node in tail:
        if node in made_of:
            end = lines[node.end_lineno or node.lineno] + (node.end_col_offset or 0)
            source = raw[lines[node.lineno] + node.col_offset : end].decode()
            binds = not names_bound(node).isdisjoint(wanted)  # f = Solution().f
            parts.append((source if binds else f"try: exec({source!r})\nexcept BaseException: pass").encode())
    return b"\n".join(parts).decode()


def _connected(statements: Sequence[ast.stmt], wanted: Collection[str]) -> set[ast.stmt]:
    """Those that have a name in common with a wanted one, or with one of them; calls of wanted functions aside."""
    functions = {node.name for node in statements if isinstance(node, ast.FunctionDef) and node.name in wanted}
    names = {node: _names(node, functions) for node in statements}
    users = defaultdict(list)
    for node, found in names.items():
        for name in found:
            users[name].append(node)
    connected: set[ast.stmt] = set()
    waiting = list(wanted)
    while waiting:
        for node in users.pop(waiting.pop(), ()):
            if node not in connected:
                connected.add(node)
                waiting += names[node]
    return connected


def _names(statement: ast.stmt, functions: Collection[str]) -> set[str]:
    """The names that a statement reads or binds, without functions that it calls and does nothing else with."""
    nodes = list(ast.walk(statement))
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    other = {node.id for node in nodes if isinstance(node, ast.Name) and node not in called}
    bound = names_bound(statement).union(*(node.names for node in nodes if isinstance(node, ast.Global)))
    return bound | {name for name in names_read(statement) if name in other or name not in functions}


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
