"""The help of a command, from the sources."""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from emlit.keys.commands import CALLBACKS, CKPT_PATH, CLASSES, DATA, MODEL, RUN_ARGUMENTS, SUBCOMMANDS
from emlit.keys.signatures import Argument, class_of, find, subclasses
from emlit.keys.values import classes_of

_INDENT = 30


def help_asked_for(words: Sequence[str]) -> str | None:
    """The help that a command line asks for; None where it asks for none, or for that of a class which is not emlit's.

    `--help` alone or behind a subcommand, and `--KEY.help [CLASS]` for a key or one of its classes.
    """
    if not words or words[0] in ("-h", "--help"):
        return _overview()
    if words[0] not in SUBCOMMANDS:
        return None
    for place, word in enumerate(words[1:], start=1):
        key, _, value = word.partition("=")
        if key in ("-h", "--help"):
            return _subcommand(words[0])
        if key.startswith("--") and key.endswith(".help"):
            following = words[place + 1 : place + 2]
            name = value or next((each for each in following if not each.startswith("-")), "")
            return _class(key[2:].removesuffix(".help"), name)
    return None


def program() -> str:
    """How this command line was begun: a checkout has cli.py, and an installation has emlit."""
    return "python cli.py" if sys.argv[0].endswith(".py") else "emlit"


def _overview() -> str:
    lines = [f"  {name:<10}{text}" for name, text in SUBCOMMANDS.items()]
    return "\n".join(
        [
            f"usage: {program()} {{fit,validate,test,predict}} --config FILE [--config OVERLAY] [--key value ...]",
            "",
            "emlit: entropy minimisation for language models (EM-FT, EM-RL, EM-INF).",
            "",
            *lines,
            "",
            f"Start with   {program()} fit --config emlit://tiny/em_ft",
            f"Keys:        {program()} fit --help",
            "Beside them: emlit configs lists configs, emlit play MODEL opens a page, emlit report RUN ... draws runs",
        ]
    )


def _subcommand(name: str) -> str:
    data = find(DATA)
    assert data is not None
    run = [Argument(key, kind, repr(default), text) for key, (kind, default, text) in RUN_ARGUMENTS.items()]
    run.append(Argument("ckpt_path", "str | None", "None", CKPT_PATH[name]))
    run.append(Argument("seed_everything", "int", "0", "seed of sampling, order and weights that are made anew"))
    parts = [
        f"usage: {program()} {name} --config FILE [--config OVERLAY] [--key value ...]",
        f"\n{name}: {SUBCOMMANDS[name]}.",
        "\nRun",
        *_rows("", [Argument("config", "FILE", None, "YAML; later ones, and keys on the command line, win"), *run]),
        "\nModel and objective (--model CLASS, then --model.KEY value)",
        *(_row(each.name, each.summary) for each in subclasses(MODEL.rpartition(".")[2])),
        _row("--model.help CLASS", "lists its keys"),
        "\nPrompts, sampling and evaluation",
        *_rows("data.", data.arguments.values()),
    ]
    for key, callback in CALLBACKS.items():
        signature = find(f"emlit.callbacks.{callback}")
        assert signature is not None
        parts += [f"\n{signature.summary}", *_rows(f"{key}.", signature.arguments.values())]
    parts += [
        "\nLightning's Trainer",
        _row("--trainer.KEY value", "devices, max_steps, precision, strategy, ...; --trainer.help lists them"),
        "\nClasses have keys of their own: --data.train.help emlit.tasks.PromptFile, --data.engine.help VLLMEngine.",
    ]
    return "\n".join(parts)


def _class(key: str, name: str) -> str | None:
    if name:
        found = find(name)
    elif key in CLASSES:
        found = find(CLASSES[key])
    else:
        return _choices(key)
    return None if found is None else "\n".join([found.summary, "", *_rows(f"{key}.", found.arguments.values())])


def _choices(key: str) -> str | None:
    """The classes that a key takes."""
    classes = classes_of(key, find(CLASSES.get(key.rpartition(".")[0], MODEL)))
    if not classes:
        return None
    if len(classes) == 1:
        return _class(key, classes[0].name)
    rows = [_row(each.name, each.summary) for each in classes]
    return "\n".join([f"--{key} CLASS; --{key}.help CLASS lists its keys", "", *rows])


def _rows(prefix: str, arguments: Iterable[Argument]) -> list[str]:
    rows: list[str] = []
    for each in arguments:
        below = class_of(each)
        if below is None or not below.arguments:
            rows.append(_row(f"--{prefix}{each.name}", _described(each)))
        else:
            rows += _rows(f"{prefix}{each.name}.", below.arguments.values())
    return rows


def _described(argument: Argument) -> str:
    kind = re.sub(
        r"Literal\[([^\]]*)\]", lambda match: match[1].replace(", ", " | ").replace("'", ""), argument.annotation
    )
    kind = kind.replace("None", "null")
    default = (
        (argument.default or "").strip("'\"").replace("None", "null").replace("True", "true").replace("False", "false")
    )
    end = f"{kind}; default {default}" if argument.default is not None else kind
    return f"{argument.text} ({end})" if argument.text else f"({end})"


def _row(head: str, text: str) -> str:
    width = max(60, min(shutil.get_terminal_size().columns, 120))
    lines = textwrap.wrap(text, width - _INDENT, break_on_hyphens=False) or [""]
    first = f"  {head:<{_INDENT - 2}}" if len(head) < _INDENT - 2 else f"  {head}\n{' ' * _INDENT}"
    return first + f"\n{' ' * _INDENT}".join(lines)
