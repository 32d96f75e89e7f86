"""Where a test of SciCode's looks at what a solution gave: a result that only goes into another call is none yet."""

import ast
from collections.abc import Collection

BARE, WHOLE = "_bare", "_whole"


def checked_at_use(tests: str, names: Collection[str]) -> str:
    """Tests in which some results are checked later than where they are given; all others are where they are.

    Args:
        tests: a step's, together: what one gives a name to, another may use
        names: those of the solution that they call

    Returns:
        Them with `_bare(f)(x)` for a call whose result is an argument of another one, is subscripted or is given
        names, and `_whole("f", part)` for the part that is used otherwise than as an argument
    """
    try:
        tree = ast.parse(tests)
    except (SyntaxError, ValueError):
        return tests
    return ast.unparse(ast.fix_missing_locations(_Later(tree, names).visit(tree)))


class _Later(ast.NodeTransformer):
    def __init__(self, tree: ast.AST, names: Collection[str]) -> None:
        self._names = names
        passed = [_unstarred(arg) for node in ast.walk(tree) if self._name_of(node) for arg in _arguments(node)]
        changed = {ast.unparse(node.target) for node in ast.walk(tree) if isinstance(node, ast.AugAssign)}
        loaded = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
        self._used = {node.id for node in loaded if node not in passed} | changed

    def _name_of(self, node: ast.AST | None) -> str | None:
        """Of a call of the solution's: what it calls."""
        called = node.func if isinstance(node, ast.Call) else None
        return called.id if isinstance(called, ast.Name) and called.id in self._names else None

    def _bared(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Starred):
            return ast.Starred(self._bared(node.value), node.ctx)
        if isinstance(node, ast.Call) and self._name_of(node):
            return ast.Call(_call(BARE, node.func), node.args, node.keywords)
        return node.args[1] if isinstance(node, ast.Call) and ast.unparse(node.func) == WHOLE else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if self._name_of(node):
            node.args = [self._bared(argument) for argument in node.args]
            for keyword in node.keywords:
                keyword.value = self._bared(keyword.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        name = self._name_of(node.value)
        if not name or not isinstance(node.ctx, ast.Load):
            return node
        return _whole(name, ast.Subscript(self._bared(node.value), node.slice, node.ctx))

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        self.generic_visit(node)
        name, target = self._name_of(node.value), node.targets[0]
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        given = [each.id for each in targets if isinstance(each, ast.Name)]
        if not name or len(node.targets) > 1 or len(given) < len(targets):
            return [node]
        node.value = self._bared(node.value)
        return [node, *(ast.Expr(_whole(name, ast.Name(each))) for each in given if each in self._used)]


def _arguments(node: ast.AST) -> list[ast.expr]:
    assert isinstance(node, ast.Call)
    return [*node.args, *(keyword.value for keyword in node.keywords)]


def _unstarred(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Starred) else node


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name), list(arguments), [])


def _whole(name: str, part: ast.expr) -> ast.Call:
    return _call(WHOLE, ast.Constant(name), part)
