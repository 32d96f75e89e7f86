"""The command line with any values at any keys: it builds what is asked, or says in one sentence what is wrong.

Keys are taken from the parser, and arguments of plug-ins from their constructors, so that new ones are fuzzed too.
"""

import contextlib
import dataclasses
import inspect
import io
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cli
from emlit import callbacks, decoding, engines, modules, pretrained, rewards, tasks
from emlit.command_line import EmlitCLI
from emlit.modules import CausalLM
from tests.unit.fuzz.cases import cases

TINY = Path(__file__).parents[3] / "configs/tiny"
BASES = [
    ["fit", "em_ft"],
    ["fit", "em_rl_token"],
    ["fit", "em_rl_sequence"],
    ["predict", "em_inf"],
    ["validate", "em_inf"],
]
ROOMS = [modules, tasks, engines, rewards, callbacks, decoding]

WORDS = [
    "", "null", "true", "false", "nan", ".nan", "inf", "-.inf", "1e400", "-1", "0", "1", "2", "7", "0.5", "1e-5", "1e30",  # noqa: E501
    "99999999999999999999", "-0.0", "[]", "{}", "[1, 2]", "{a: 1}", "[[", "{", "a: b: c", "auto", "cpu", "gpu", "tiny", "é",  # noqa: E501
    "\x1b[0m", "x\ny", "🙂" * 50, "None", "!!python/object:os.system", "&a [*a]", "../..", "/", "@", "=", "--", "%s", "0x10",  # noqa: E501
    "1_000", "2026-01-01", "16-mixed", "bf16-mixed", "ddp", "fsdp", "simple", "torch", "liger", "logits", "token_mean",
]  # fmt: skip


def classes() -> list[type]:
    """Every plug-in that a config can name."""
    found = [getattr(room, name) for room in ROOMS for name in dir(room)]
    return sorted({c for c in found if inspect.isclass(c) and not inspect.isabstract(c)}, key=lambda c: c.__qualname__)


# Lightning's own: a number that it takes for many processes or much memory is not emlit's to refuse.
LEFT_OUT = ("config", "help", "print_config", "run_dir", "trainer.devices", "trainer.num_nodes", "ckpt_path", "trainer.default_root_dir",  # noqa: E501
            "export.dirpath", "print_shtab", "trainer.callbacks")  # fmt: skip


def keys(subcommand: str, parser) -> list[str]:
    own = parser._subcommands_action.choices[subcommand]
    flat = {action.dest for action in own._actions if "." in action.dest or not action.dest.startswith("_")}
    plugged = {"model": modules, "data.train": tasks, "data.evaluation": tasks, "data.engine": engines,
               "model.reward": rewards, "model.advantage": rewards}  # fmt: skip
    for key, room in plugged.items():
        for name in dir(room):
            cls = getattr(room, name)
            if inspect.isclass(cls) and not inspect.isabstract(cls):
                flat |= {f"{key}.{parameter}" for parameter in inspect.signature(cls).parameters}
    return sorted(
        key for key in flat if key and not key.startswith(LEFT_OUT) and not key.endswith(("help", "kwargs", "args"))
    )


@pytest.fixture(scope="module")
def shared():
    """One parser for all cases: to make it takes longer than to use it. Nothing is run, and no model is loaded."""

    def no_model(*args, **kwargs):
        raise AssertionError("a model was loaded")

    made: dict[str, object] = {}
    set_up = EmlitCLI.setup_parser

    def setup_parser(self, *args, **kwargs):
        if not made:
            self._first_word = None  # for every command
            set_up(self, *args, **kwargs)
            names = ("parser", "_subcommand_parsers", "_subcommand_method_arguments")
            made.update({name: vars(self)[name] for name in names})
        vars(self).update(made)

    built = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmlitCLI, "setup_parser", setup_parser)
        patch.setattr(EmlitCLI, "_run_subcommand", lambda self, subcommand: built.append(self))
        patch.setattr(pretrained, "load_model", no_model)
        patch.setattr(engines.VLLMEngine, "start", no_model)
        patch.setattr(engines.TransformersEngine, "start", no_model)
        with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            cli.main(["fit"])
        yield made, built


def run(shared, arguments: list[str]):
    """What is built, or the sentence."""
    built = shared[1]
    built.clear()
    stderr = io.StringIO()
    try:
        with contextlib.redirect_stderr(stderr), contextlib.redirect_stdout(io.StringIO()):
            cli.main(arguments)
    except SystemExit as end:
        assert end.code == 2, end.code  # noqa: PT017 (a run may also succeed)
        assert not built
        (line,) = [line for line in stderr.getvalue().split("\n") if "error" in line][-1:]
        assert line.startswith("emlit: error: "), stderr.getvalue()
        assert stderr.getvalue().endswith(line + "\n"), "a sentence of several lines: " + stderr.getvalue()
        assert len(line) < 1200, line
        assert "Traceback" not in stderr.getvalue()
        return line
    if not arguments or {word.partition("=")[0] for word in arguments} & {"-h", "--help"}:
        return ""
    (one,) = built
    return one


def numbers(thing, seen: set[int]) -> Iterator[tuple[str, float]]:
    """Every float that emlit's own objects hold."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    values = vars(thing) if hasattr(thing, "__dict__") else {}
    for name, value in values.items():
        if isinstance(value, float):
            yield f"{type(thing).__name__}.{name}", value
        elif type(value).__module__.startswith(("emlit", "callbacks")) and not inspect.isclass(value):
            yield from numbers(value, seen)


def assert_sound(made: EmlitCLI) -> None:
    assert isinstance(made.model, CausalLM)
    seen: set[int] = set()
    for thing in (made.model, made.datamodule, made.datamodule.engine, *made.trainer.callbacks):
        for name, value in numbers(thing, seen):
            assert math.isfinite(value), f"{name} is {value}"
    sampling = made.datamodule.sampling
    assert sampling.temperature == 0 or sampling.temperature >= 0.01
    assert dataclasses.is_dataclass(sampling)


VALUES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(
        [f"{cls.__module__}.{cls.__qualname__}" for cls in classes()] + [cls.__name__ for cls in classes()]
    ),
    st.integers(-3, 10**6).map(str),
    st.floats().map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=10),
)


@cases(80)
@given(st.sampled_from(BASES), st.data())
def test_any_value_at_any_key(shared, tmp_path, base, data):
    subcommand, config = base
    known = keys(subcommand, shared[0]["parser"])
    heads = sorted({key.partition(".")[0] for key in known})
    arguments = [subcommand, "--config", str(TINY / f"{config}.yaml"), "--run_dir", str(tmp_path / "run")]
    for _ in range(data.draw(st.integers(1, 2))):
        # The trainer's many keys would crowd out emlit's.
        head = data.draw(st.sampled_from(heads))
        key = data.draw(st.sampled_from([key for key in known if key.partition(".")[0] == head]))
        arguments.append(f"--{key}={data.draw(VALUES)}")
    result = run(shared, arguments)
    if not isinstance(result, str):
        assert_sound(result)


@cases(60)
@given(
    st.sampled_from(BASES),
    st.sampled_from([".nan", ".inf", "-.inf", "-1", "0", "1e400", "0.001", "4294967296"]),
    st.data(),
)
def test_any_number_at_any_key_of_emlit(shared, tmp_path, base, value, data):
    subcommand, config = base
    known = [key for key in keys(subcommand, shared[0]["parser"]) if not key.startswith("trainer.")]
    key = data.draw(st.sampled_from(known))
    result = run(
        shared, [subcommand, f"--config={TINY / config}.yaml", f"--run_dir={tmp_path / 'run'}", f"--{key}={value}"]
    )
    if isinstance(result, str):
        # A plug-in's argument without the plug-in is told as the plug-in's.
        assert key.rpartition(".")[2] in result or f" {key.rpartition('.')[0]}: " in result
    else:
        assert_sound(result)


@cases(25)
@given(
    st.sampled_from(BASES),
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12),
    st.data(),
)
def test_keys_that_do_not_exist(shared, tmp_path, base, name, data):
    subcommand, config = base
    known = keys(subcommand, shared[0]["parser"])
    prefix = data.draw(st.sampled_from(["", "model.", "data.", "trainer.", "data.sampling.", "sync.", "data.train."]))
    if prefix + name in known or any(key.startswith(prefix + name + ".") for key in known):
        return
    arguments = [
        subcommand,
        "--config",
        str(TINY / f"{config}.yaml"),
        f"--run_dir={tmp_path / 'run'}",
        f"--{prefix}{name}=1",
    ]
    message = run(shared, arguments)
    assert name in message or f" {prefix.rstrip('.')}: " in message


YAML = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.lists(st.sampled_from(["model:", "  class_path: EMFT", "data:", "  ", "- ", "{", "]", "trainer: 3", "seed_everything: x",  # noqa: E501
                              "data: {sampling: 1}", "model: [1]", "? a", "model: null", "data: null", "trainer: null"]),  # noqa: E501
             max_size=5).map("\n".join),
)  # fmt: skip


@cases(40)
@given(st.sampled_from(["fit", "predict"]), YAML | st.binary(max_size=20))
def test_any_config_file(shared, tmp_path, subcommand, text):
    path = tmp_path / "c.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run(shared, [subcommand, f"--config={path}", f"--run_dir={tmp_path / 'run'}"])
    if not isinstance(result, str):
        assert_sound(result)


@cases(40)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), max_size=8)
        | st.sampled_from(["fit", "--", "-h=1", "--config", "--model", "=", "predict"]),
        max_size=4,
    )
)
def test_any_arguments(shared, tmp_path, arguments):
    if {"-h", "--help"} & set(arguments):
        return
    result = run(shared, arguments)
    assert isinstance(result, str)


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--model.learning_rate=.nan", "model.learning_rate is nan; it must be a finite number"),
        ("--model.kl_weight=.inf", "model.kl_weight is inf; it must be a finite number"),
        ("--sync.max_gap=.nan", "sync.max_gap is nan; it must be a finite number"),
        ("--trainer.gradient_clip_val=.nan", "trainer.gradient_clip_val is nan; it must be a finite number"),
        ("--seed_everything=-1", "seed_everything: -1 is not in bounds"),
        ("--trainer.accelerator=tpu", "torch_xla"),
        ("--trainer.profiler=xla", "torch_xla"),
        ("--data.sampling.temperature=0.001", "temperature is 0.001; it must be finite and at least 0.01, or 0"),
        ("--data.sampling.stop=['']", "stop holds an empty string"),
        ("--data.evaluation=[]", "evaluation is an empty list"),
        ("--data.context=0", "context is 0; it must be at least 1"),
        ("--model.pretrained=a\x00b", "model.pretrained is 'a\\x00b'; it must not hold a NUL character"),
    ],
)
def test_found_by_fuzzing(shared, tmp_path, argument, sentence):
    arguments = ["fit", "--config", str(TINY / "em_rl_token.yaml"), f"--run_dir={tmp_path / 'run'}", argument]
    assert sentence in run(shared, arguments)


def test_known_keys_are_those_of_the_parser(shared):
    known = keys("fit", shared[0]["parser"])
    assert {
        "model.learning_rate",
        "data.sampling.temperature",
        "sync.max_gap",
        "trainer.max_steps",
        "data.train.n",
    } <= set(known)
    assert "lightning" in sys.modules
