"""What the syntax tree of a program says: the names that it defines and needs, and what must come first."""

import ast
import builtins
import sys
from collections.abc import Collection, Iterable
from functools import lru_cache

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LIBRARY = (*DEFINITIONS, ast.Import, ast.ImportFrom)
_BINDING = (*LIBRARY, ast.Assign, ast.AnnAssign, ast.AugAssign)
_BUILTINS = set(dir(builtins))
# Whose `import *` is brought along; a test's `from solution import *` is not.
_LIBRARIES = {*sys.stdlib_module_names, "numpy", "scipy", "sympy"}


@lru_cache(maxsize=2)  # each of several questions about a program asks for its tree
def parsed(program: str) -> ast.Module | None:
    """The syntax tree of a program, which stays as it is; None where it has none."""
    try:
        return ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def first_error(program: str) -> int | None:
    """The line that a program stops being one at, from 1; None where it parses."""
    try:
        ast.parse(program)
    except SyntaxError as error:
        return error.lineno or 1
    except (ValueError, RecursionError, MemoryError):
        return 1
    return None


def only_stubs(program: str) -> bool:
    """Whether each function or class of a program has no body or one that does nothing: `...`, `pass`, an error."""
    lines = program.rstrip().split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    tree = parsed(program) or parsed("\n".join(lines) + " ...")
    found = [node for node in tree.body if isinstance(node, DEFINITIONS)] if tree else []
    return bool(found) and all(_is_empty(node) for node in found)


def defined_names(program: str) -> set[str]:
    """Functions and classes that a program defines at its top; none where it does not parse."""
    tree = parsed(program)
    return {node.name for node in tree.body if isinstance(node, DEFINITIONS)} if tree else set()


def bound_names(program: str) -> set[str]:
    """All that a program binds at its top, by assignment and import too; none where it does not parse."""
    tree = parsed(program)
    return _bound_at_top(tree) if tree else set()


def free_names(program: str, setup: str = "") -> list[str]:
    """The names that a program reads and neither it, its setup nor Python defines: what a solution has to bring."""
    tree, before = parsed(program), parsed(setup)
    if tree is None:
        return []
    known = names_bound(tree) | (names_bound(before) if before else set())
    return [name for name in names_read(tree) if name not in known]


def imports_of(program: str) -> str:
    """The imports at its top, as a program that leaves names that are bound already as they are."""
    tree = parsed(program)
    found = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)] if tree else []
    lines = [ast.unparse(node) for node in found if getattr(node, "module", None) != "__future__"]
    return "\n".join(["_bound = dict(globals())", *lines, "globals().update(_bound)"])


def acts(program: str) -> bool:
    """Whether a program does something when it is run, besides defining, importing and assigning."""
    tree = parsed(program)
    return tree is not None and any(
        isinstance(node.value, ast.Call) if isinstance(node, ast.Expr) else not isinstance(node, _BINDING)
        for node in tree.body
    )


def is_library(program: str) -> bool:
    """Whether it is functions and classes, more than stubs, and what they import."""
    tree = parsed(program)
    return tree is not None and all(isinstance(node, LIBRARY) for node in tree.body) and not only_stubs(program)


def corrected(program: str, others: Iterable[str]) -> str:
    """A program with those functions and classes that one of the others defines anew, the last one's counting."""
    tree, sources = parsed(program), {}
    if tree is None:
        return program
    for other in others:
        for node in found.body if (found := parsed(other)) else ():
            if isinstance(node, DEFINITIONS):
                sources[node.name] = "\n".join(other.split("\n")[_first_line(node) - 1 : node.end_lineno])
    lines = program.split("\n")
    for node in reversed(tree.body):
        if isinstance(node, DEFINITIONS) and node.name in sources:
            lines[_first_line(node) - 1 : node.end_lineno] = [sources[node.name]]
    return "\n".join(lines)


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def with_helpers(program: str, helpers: Iterable[str], wanted: Collection[str] = ()) -> str:
    """A program, behind those helpers that bind what it, or a helper that it has by then, reads and does not bind.

    Wanted names are read, too. Each is parsed once, and sets are changed in place, so that the time is linear in all of
    their lengths together.
    """
    parts, tree = [program], parsed(program)
    bound = names_bound(tree) if tree else set()
    needed = {*names_read(tree), *wanted} - bound if tree else set()
    for helper in helpers:
        tree = parsed(helper) if needed else None
        if tree and needed & _bound_at_top(tree):
            parts.append(helper)
            bound |= (new := names_bound(tree))
            needed -= new
            needed |= set(names_read(tree)) - bound
        elif tree and (everything := _stars(tree)):  # which of the names it binds is not known
            parts += everything
    return in_one(*reversed(parts)) if len(parts) > 1 else program


def in_one(*programs: str) -> str:
    """Programs behind each other; what they import from __future__ comes first, where it must."""
    names: list[str] = []
    parts = []
    for program in programs:
        lines = program.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for node in tree.body if (tree := parsed(program)) else ():
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                names += [alias.name for alias in node.names]
                first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
                rest = lines[last].encode()[node.end_col_offset :].decode()
                before = lines[first].encode()[: node.col_offset].decode()
                kept = f"{before}pass{rest}" if before or rest.strip().startswith(";") else ""
                lines[first : last + 1] = [kept, *[""] * (last - first)]
        parts.append("\n".join(lines))
    head = [f"from __future__ import {', '.join(dict.fromkeys(names))}"] if names else []
    return "\n\n".join([*head, *parts])


def _stars(tree: ast.Module) -> list[str]:
    return [
        ast.unparse(node)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        and node.names[0].name == "*"
        and (node.module or "").partition(".")[0] in _LIBRARIES
    ]


def _is_empty(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return all(
        isinstance(each, ast.Pass | ast.Raise)
        or isinstance(each, ast.Expr)
        and isinstance(each.value, ast.Constant)
        or isinstance(each, ast.Return)
        and (each.value is None or isinstance(each.value, ast.Constant) and each.value.value is None)
        or isinstance(each, ast.FunctionDef)
        and _is_empty(each)
        for each in node.body
    )


def names_read(tree: ast.AST) -> list[str]:
    """The names that a program reads, without Python's own."""
    read = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return list(dict.fromkeys(name for name in read if name not in _BUILTINS))


def _bound_at_top(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, DEFINITIONS):
            found.add(node.name)
        else:
            found |= names_bound(node)
    return found


def names_bound(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, DEFINITIONS):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
    return found
