"""What a class takes, read from its source and not by importing it."""

import ast
import importlib.util
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

# In a checkout the second is a link, which a search of the first does not follow.
_ROOTS = (Path(__file__).parents[1], Path(__file__).parents[1] / "callbacks")
_TRAINER = "lightning.pytorch.Trainer"
# Bases that take nothing; `Behind` is one for types alone (emlit/modules/plug_ins.py).
_PLAIN = {"ABC", "Protocol", "object", "NamedTuple", "Behind"}


@dataclass(frozen=True)
class Argument:
    """One argument of a class. `annotation` and `default` are as written; no default: it must be given."""

    name: str
    annotation: str
    default: str | None
    text: str = ""
    file: Path | None = None  # whose imports its annotation's names have


@dataclass(frozen=True)
class Signature:
    """The arguments of a class.

    Attributes:
        name: of the class
        summary: first paragraph of its docstring
        arguments: by name, in order
        complete: False where there may be others, taken by a base class or **kwargs that cannot be followed
        bases: names of its base classes
        missing: abstract methods: a subclass must be named before there is anything to configure
        settled: arguments of the classes behind it that it gives them itself
    """

    name: str
    summary: str
    arguments: dict[str, Argument]
    complete: bool
    bases: tuple[str, ...]
    missing: frozenset[str]
    settled: frozenset[str] = frozenset()

    @property
    def abstract(self) -> bool:
        return bool(self.missing)


def find(path: str) -> Signature | None:
    """The signature of a class of emlit's, its callbacks' or Lightning's Trainer; None for any other.

    Args:
        path: a class path, or the name alone
    """
    if path.startswith("callbacks."):  # as a checkout may have it
        path = f"emlit.{path}"
    package, _, name = path.rpartition(".")
    if path == _TRAINER:
        return _read(_lightning() / "pytorch/trainer/trainer.py", "Trainer")
    if package.partition(".")[0] not in ("", "emlit"):
        return None
    files = _files().get(name, [])
    file = next((each for each in files if _within(each, package)), None) if package else files[0] if files else None
    return None if file is None else _read(file, name)


def class_of(argument: Argument) -> Signature | None:
    """The class whose keys stand below an argument's own key; None where its value names a class first, or has none."""
    names = re.findall(r"[A-Z]\w+", argument.annotation)
    found = [each for each in (find(_imported(name, argument.file)) for name in names) if each]
    one = len(found) == 1 and not found[0].abstract and "list" not in argument.annotation
    return found[0] if one and found[0].arguments else None


def subclasses(name: str) -> list[Signature]:
    """The concrete public classes below a class of emlit's, in alphabetical order; itself if it is one of them."""
    below = [name]
    for each in below:
        below += [other for other, bases in _all_bases().items() if each in bases and other not in below]
    found = [find(each) for each in sorted(below) if not each.startswith("_")]
    return [each for each in found if each is not None and not each.abstract]


def _lightning() -> Path:
    spec = importlib.util.find_spec("lightning")
    assert spec is not None, "lightning is not installed"
    assert spec.origin is not None
    return Path(spec.origin).parent


@cache
def _sources() -> list[Path]:
    return sorted({file for root in _ROOTS for file in root.rglob("*.py")})


@cache
def _files() -> dict[str, list[Path]]:
    """Where each class of emlit's is defined; a few names stand in two rooms."""
    found: dict[str, list[Path]] = {}
    for file in _sources():
        for name in re.findall(r"^class (\w+)", _text(file), re.MULTILINE):
            found.setdefault(name, []).append(file)
    return found


def _within(file: Path, package: str) -> bool:
    """Whether a file is a module, or of a package, with this dotted name."""
    module = ".".join(file.with_suffix("").relative_to(_ROOTS[0].parent).parts)
    return module == package or module.startswith(f"{package}.")


def _imported(name: str, file: Path | None) -> str:
    """The class path of a name that a file's annotations use."""
    if file is None or len(_files().get(name, [])) < 2:
        return name
    for node in _tree(file).body:
        if isinstance(node, ast.ImportFrom) and any(each.name == name for each in node.names):
            return f"{node.module}.{name}"
    return ".".join([*file.with_suffix("").relative_to(_ROOTS[0].parent).parts, name])


@cache
def _choices() -> dict[str, str]:
    """Names of emlit's that stand for a Literal, as it is written."""
    texts = (_text(file) for file in {file for files in _files().values() for file in files})
    return {
        name: text
        for each in texts
        for name, text in re.findall(r"^(\w+)(?:: TypeAlias)? = (Literal\[[^\]]+\])", each, re.MULTILINE)
    }


@cache
def _constants() -> dict[str, str]:
    """Names of emlit's that stand for a text or a number, as it is written."""
    texts = map(_text, _sources())
    return {
        name: text
        for each in texts
        for name, text in re.findall(r"^([A-Z_]+)(?:: \w+)? = (\"[^\"]*\"|[\d.]+)(?:  #.*)?$", each, re.MULTILINE)
    }


@cache
def _all_bases() -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(re.findall(r"\w+", match[1]))
        for name, (file, *_) in _files().items()
        if (match := re.search(rf"^class {name}\(([^)]*)\)", _text(file), re.MULTILINE))
    }


@cache
def _read(file: Path, name: str) -> Signature:
    tree = _tree(file)
    node = next(each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == name)
    bases = tuple(ast.unparse(base).rpartition(".")[2].partition("[")[0] for base in node.bases)
    documentation = ast.get_docstring(node) or ""
    functions = [each for each in node.body if isinstance(each, ast.FunctionDef)]
    for function in functions:
        if function.name == "__init__":
            documentation += "\n\n" + (ast.get_docstring(function) or "")
    methods = {
        each.name: any("abstractmethod" in ast.unparse(decorator) for decorator in each.decorator_list)
        for each in functions
    }
    own_file = file if file.is_relative_to(_ROOTS[0].parent) else None
    found = [find(_imported(each, own_file)) for each in bases if each not in _PLAIN]
    inherited = {name for base in found if base for name in base.missing}
    missing = {name for name, is_abstract in methods.items() if is_abstract} | inherited - methods.keys()
    own, follows = _own(node)
    settled = _settled(node).union(*(base.settled for base in found if base))
    own = [replace(each, file=own_file) for each in own]
    texts = _texts(documentation)
    arguments = {each.name: replace(each, text=texts.get(each.name, "")) for each in own}
    complete = True
    if follows:
        for base in found:
            complete = complete and base is not None and base.complete
            for each in base.arguments.values() if base else ():
                if each.name in settled and each.name not in arguments:
                    continue
                arguments.setdefault(each.name, replace(each, text=texts.get(each.name, each.text)))
    return Signature(
        name, " ".join(documentation.split("\n\n")[0].split()), arguments, complete, bases, frozenset(missing), settled
    )


@cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(_text(file))


def _own(node: ast.ClassDef) -> tuple[list[Argument], bool]:
    """The arguments that a class has itself, and whether it takes those of its bases too."""
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            given = [*each.args.posonlyargs, *each.args.args][1:]
            defaults = [None] * (len(given) - len(each.args.defaults)) + list(each.args.defaults)
            pairs = [*zip(given, defaults, strict=True), *zip(each.args.kwonlyargs, each.args.kw_defaults, strict=True)]
            return [_argument(arg.arg, arg.annotation, default) for arg, default in pairs], each.args.kwarg is not None
    fields: list[Argument] = []
    made = [ast.unparse(each) for each in [*node.decorator_list, *node.bases]]
    if any("dataclass" in each or each.endswith("NamedTuple") for each in made):
        fields = [
            _argument(each.target.id, each.annotation, each.value)
            for each in node.body
            if isinstance(each, ast.AnnAssign)
            and isinstance(each.target, ast.Name)
            and "ClassVar" not in ast.unparse(each.annotation)
            and not (each.value is not None and "init=False" in ast.unparse(each.value))
        ]
    return fields, True


def _settled(node: ast.ClassDef) -> frozenset[str]:
    """The keywords of its calls of `super().__init__`."""
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    own = [each for each in calls if ast.unparse(each.func) == "super().__init__"]
    return frozenset(keyword.arg for each in own for keyword in each.keywords if keyword.arg)


def _argument(name: str, annotation: ast.expr | None, default: ast.expr | None) -> Argument:
    written = "" if annotation is None else ast.unparse(annotation).strip("'\"")
    made = None if default is None else ast.unparse(default)
    if made is not None and (factory := re.search(r"default_factory=(list|dict)", made)):
        made = {"list": "[]", "dict": "{}"}[factory[1]]
    made = made if made is None else _constants().get(made, made)
    return Argument(name, re.sub(r"\w+", lambda word: _choices().get(word[0], word[0]), written), made)


def _texts(documentation: str) -> dict[str, str]:
    """What the docstring says of each argument, under "Args:" or, of a dataclass, "Attributes:"."""
    found: dict[str, str] = {}
    for section in re.findall(r"^(?:Args|Attributes):\n(.*?)(?=^\S|\Z)", documentation, re.MULTILINE | re.DOTALL):
        for name, text in re.findall(r"^ {4}(\w+): *(.*?)(?=^ {4}\w|\Z)", section, re.MULTILINE | re.DOTALL):
            found[name] = " ".join(text.split("\n\n")[0].split())
    return found
