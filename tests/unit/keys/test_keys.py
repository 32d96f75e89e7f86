"""Keys read from the sources are those that the parser of the command line has."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonargparse._parameter_resolvers import get_signature_parameters

from emlit import engines, modules, rewards, strategies, tasks
from emlit.command_line import EmlitCLI, run
from emlit.keys import SUBCOMMANDS, evaluates_another_set, help_asked_for, unknown_key
from emlit.keys.check import _Command
from emlit.keys.signatures import class_of, find, subclasses

ROOT = Path(__file__).parents[3]
CONFIGS = sorted(map(str, ROOT.glob("configs/*/*.yaml")))
FT = ["fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml")]


@pytest.fixture(scope="module")
def parsers():
    """The real ones, by subcommand."""

    class Made(Exception):
        pass

    def stop(self, parser, args):
        raise Made(self._subcommand_parsers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmlitCLI, "parse_arguments", stop)
        with pytest.raises(Made) as made:
            run([])
    return made.value.args[0]


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_the_keys_of_each_subcommand_are_the_parsers(parsers, subcommand):
    command = _Command(subcommand)
    ours = set(command.plain) - {"h"}
    for key, signature in command.classes.items():
        for argument in signature.arguments.values() if signature else ():
            below = class_of(argument)
            ours |= (
                {f"{key}.{argument.name}.{each}" for each in below.arguments} if below else {f"{key}.{argument.name}"}
            )
    theirs = {action.dest for action in parsers[subcommand]._actions}
    groups = {key for key in theirs if any(other.startswith(f"{key}.") for other in ours)}
    assert {key for key in theirs - groups if not key.endswith(".help")} - {"config", "model"} == ours


PLUG_INS = [
    getattr(module, name)
    for module in (modules, engines, rewards, strategies, tasks, importlib.import_module("emlit.decoding"))
    for name in module.__all__
    if isinstance(getattr(module, name), type)
]


@pytest.mark.parametrize("plug_in", PLUG_INS, ids=lambda plug_in: plug_in.__name__)
def test_a_class_takes_what_its_source_says(plug_in):
    signature = find(f"{plug_in.__module__}.{plug_in.__name__}")
    assert signature is not None
    if signature.complete and not issubclass(plug_in, BaseException | tuple):
        assert list(signature.arguments) == [each.name for each in get_signature_parameters(plug_in)]


@pytest.mark.parametrize("config", CONFIGS)
def test_every_key_of_every_config_is_known(config):
    subcommand = "predict" if any(name in config for name in ("em_inf", "eval", "decodings")) else "fit"
    assert unknown_key([subcommand, "--config", config]) is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--model.learning_rat=1"], "model.learning_rat: there is no such key; did you mean model.learning_rate?"),
        (["--model.init_args.lora.rr", "1"], "model.lora.rr: there is no such key; did you mean model.lora.r?"),
        (["--trainer.max_step=1"], "trainer.max_step: there is no such key; did you mean trainer.max_steps?"),
        (["--gard.mode=stop"], "gard.mode: there is no such key; did you mean guard.mode?"),
        (["--run-dir=x"], "run-dir: there is no such key; did you mean run_dir?"),
        (["--data.train=PromptFile", "--data.train.pth=x"],
         "data.train.pth: there is no such key; did you mean data.train.path?"),
        (["--data.train.split=test", "--data.train.colum=x"],
         "data.train.colum: there is no such key; --data.train.help lists them"),
        (["--model=EMRL", "--model.advantage=GRPO", "--model.advantage.scale_reward=1"],
         "model.advantage.scale_reward: there is no such key; did you mean model.advantage.scale_rewards?"),
        (["--data.engine=emlit.engines.VLLMEngine", "--data.engine.slep=true"],
         "data.engine.slep: there is no such key; did you mean data.engine.sleep?"),
    ],
)  # fmt: skip
def test_a_misspelt_key_is_named_with_the_nearest(arguments, expected):
    assert unknown_key([*FT, *arguments]) == expected


def test_a_misspelt_key_in_a_config_names_the_file(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "model: {class_path: EMFT, init_args: {lerning_rate: 1}}\ndata: {train: null}\n"
    )
    assert unknown_key(["fit", "--config", str(tmp_path / "mine.yaml")]) == (
        f"{tmp_path}/mine.yaml: model.lerning_rate: there is no such key; did you mean model.learning_rate?"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model=my_package.MyObjective", "--model.anything=1"],
        ["--model=EMRL", "--model.reward=my_package.MyReward", "--model.reward.anything=1"],
        ["--trainer.logger=lightning.pytorch.loggers.CSVLogger", "--trainer.logger.save_dir=x"],
        ["--trainer.callbacks+=EMInference", "--trainer.callbacks.threshold=0.3"],
        ["--trainer.strategy.timeout_minutes=3"],
        ["--data.train={class_path: my.Task, init_args: {a: 1}}", "--data.train.a=2"],
        ["--data.sampling.stop=[a]", "--data.sampling.stop+=b", "--print_config"],
        ["--model.dict_kwargs.other=1"],
    ],
)
def test_what_cannot_be_followed_is_left_to_the_parser(arguments):
    assert unknown_key([*FT, *arguments]) is None


def test_help_speaks_of_emlit_and_of_every_key_of_its_own():
    assert "entropy minimisation" in help_asked_for(["--help"])
    text = help_asked_for(["fit", "--help"])
    assert text.index("--run_dir") < text.index("--data.prompts_per_round") < text.index("--trainer.KEY")
    assert "--data.sampling.max_tokens" in text
    assert "--trainer.num_sanity_val_steps" not in text
    assert "--trainer.max_steps" in help_asked_for(["fit", "--trainer.help"])
    assert "--model.entropy_temperature" in help_asked_for(["fit", "--model.help", "EMFT"])
    assert "PromptFile" in help_asked_for(["fit", "--data.train.help"])
    assert help_asked_for(["fit", "--model.help", "my_package.Mine"]) is None
    assert help_asked_for(FT) is None


def test_classes_that_cannot_be_made_are_no_choice():
    names = [each.name for each in subclasses("Task")]
    assert "PromptFile" in names
    assert "Task" not in names
    assert "Benchmark" not in names


def test_a_training_set_leaves_the_evaluation_set_of_another_behind(tmp_path):
    hers = ["--data.train", "emlit.tasks.PromptFile", "--data.train.path", "p.jsonl"]
    assert evaluates_another_set([*FT, *hers])
    assert evaluates_another_set([*FT, "--data.train.class_path=PromptFile"])
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("data: {train: {class_path: PromptFile, init_args: {path: p.jsonl}}}\n")
    assert evaluates_another_set([*FT, f"--config={overlay}"])
    assert not evaluates_another_set(FT)
    assert not evaluates_another_set([*FT, "--data.train.n=3"])
    assert not evaluates_another_set([*FT, *hers, "--data.evaluation=null"])
    assert not evaluates_another_set([*FT, "--data.train=null"])
    for said in (["--data.evaluation=null"], ["--data.evaluation", "PromptFile", "--data.evaluation.path=e.jsonl"]):
        assert not evaluates_another_set([*FT, *said, *hers])  # in whatever order
    assert evaluates_another_set([*FT, "--data.evaluation_samples=3", "--data.evaluation.n=4", *hers])
    assert not evaluates_another_set(["fit", "--model=EMFT", *hers])
    overlay.write_text("data: {train: {class_path: PromptFile, init_args: {path: p}}, evaluation: held_out}\n")
    assert not evaluates_another_set([*FT, f"--config={overlay}"])
    overlay.write_text("data: {train: {class_path: PromptFile, init_args: {path: p}}, evaluation: null}\n")
    assert not evaluates_another_set(["fit", f"--config={overlay}", "--data.train=TinyArithmetic"])


def test_help_ends_quietly_where_its_reader_stops_early():
    help = subprocess.Popen(
        [sys.executable, ROOT / "cli.py", "fit", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    help.stdout.close()
    assert help.stderr.read() == b""


def test_a_command_or_a_config_that_is_not_there_is_told_before_the_imports():
    assert unknown_key(["learn"]) == "learn: there is no such command; there are fit, validate, test, predict"
    assert unknown_key(["predikt"]) == "predikt: there is no such command; did you mean predict?"
    near = str(ROOT / "configs/tiny/em_ff.yaml")
    assert unknown_key(["fit", "--config", near]) == (
        f"config: there is no file {near}; did you mean {ROOT / 'configs/tiny/em_ft.yaml'}?"
    )
    assert unknown_key(["fit", "--config=no/such/place.yaml"]) == "config: there is no file no/such/place.yaml"
    assert unknown_key(["fit", "--config", "{seed_everything: 1}"]) is None


def test_help_shows_values_and_not_the_names_that_the_sources_have_for_them():
    texts = [help_asked_for([name, "--help"]) for name in SUBCOMMANDS]
    texts += [help_asked_for(["fit", "--model.help", each.name]) for each in subclasses("CausalLM")]
    assert not re.findall(r"default\s+[A-Z_]{3,}", "\n".join(texts))


def test_a_run_says_a_word_before_its_imports():
    words = "import sys, cli; sys.modules['emlit.command_line'] = None; cli.main(['fit'])"
    run = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, cwd=ROOT)
    assert run.stderr.startswith("emlit: importing ")


@pytest.mark.parametrize(("begun", "name"), [("/usr/bin/emlit", "emlit"), ("cli.py", "python cli.py")])
def test_help_names_the_command_that_was_typed(begun, name, monkeypatch):
    monkeypatch.setattr("sys.argv", [begun, "--help"])
    shown = help_asked_for(["--help"])
    assert shown.startswith(f"usage: {name} {{fit,")
    assert f"{name} fit --config emlit://tiny/em_ft" in shown
    assert help_asked_for(["predict", "--help"]).startswith(f"usage: {name} predict ")
