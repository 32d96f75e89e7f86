"""The plan of a command line: read as `cli.py fit` would, and printed."""

import argparse
import json
import sys
import warnings
from dataclasses import replace
from typing import Any

from jsonargparse import Namespace

from emlit.command_line import SETTINGS, EmlitCLI
from emlit.endings import ends_in_a_sentence
from emlit.errors import ConfigError
from emlit.modules import CausalLM
from emlit.parser import require_usable
from emlit.plan.gpus import GPUS, gpu_of
from emlit.plan.knobs import knobs
from emlit.plan.memory import plan_memory
from emlit.plan.printing import as_dict, print_dry_run, print_plan
from emlit.plan.reading import read_settings
from emlit.plan.settings import EngineSettings
from emlit.plan.shapes import find_config, shape_of
from emlit.plan.work import Assumptions, plan_work
from emlit.rollout import RolloutDataModule
from emlit.shorthands import engine_of
from emlit.terminal import Terminal


class _Arguments(EmlitCLI):
    """Parses what `cli.py fit` would, and makes nothing of it."""

    def _set_seed(self) -> None: ...

    def before_instantiate_classes(self) -> None:
        arguments = self.config["fit"]
        for key, value in arguments.items():
            require_usable(key.replace(".init_args", ""), value)
        if arguments.engine is not None:
            arguments.data.engine = engine_of(arguments.engine)

    def instantiate_classes(self) -> None: ...

    def after_instantiate_classes(self) -> None: ...

    def _run_subcommand(self, subcommand: str) -> None: ...


def fit_arguments(given: list[str]) -> Namespace:
    """The arguments of `cli.py fit`, parsed; classes stay class_path and init_args.

    Raises:
        ConfigError: what the command line refuses
    """
    parsed = _Arguments(CausalLM, RolloutDataModule, **SETTINGS, args=["fit", *given])
    arguments: Any = parsed.config["fit"]
    if arguments.model.class_path.rpartition(".")[2] == "CausalLM":
        raise ConfigError("model is CausalLM, which has no objective to train; set model to EMFT, EMRL or SFT")
    return arguments


def check_own(own: argparse.Namespace) -> None:
    """Raise ConfigError for numbers that cannot be."""
    for name in ("gpus", "nodes", "row_tokens", "prompt_tokens", "completion_tokens", "mfu"):
        value = getattr(own, name)
        if value is not None and not value > 0:
            raise ConfigError(f"{name} is {value}; it must be positive")
    if own.mfu > 1:
        raise ConfigError(f"mfu is {own.mfu}; it must be at most 1")


def plan(own: argparse.Namespace, rest: list[str]) -> None:
    """Print what the config of `rest`, arguments of `cli.py fit`, needs under the assumptions of `own`."""
    warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
    with ends_in_a_sentence():
        check_own(own)
        gpu = gpu_of(own.gpu)
        for key, value in (("devices", own.gpus), ("num_nodes", own.nodes)):
            rest += [] if value is None else [f"--trainer.{key}={value}"]
        arguments = fit_arguments(rest)
        pretrained = arguments.model.init_args.pretrained
        config = find_config(pretrained, own.shape)
        shape = shape_of(config, own.shape or pretrained)
        settings = read_settings(arguments, shape, own.row_tokens, own.prompt_tokens, own.completion_tokens)
        memory, assumed = plan_memory(shape, settings, gpu), Assumptions(mfu=own.mfu)
        parts, found = plan_work(shape, settings, gpu, assumed), knobs(shape, settings, gpu)
        result = as_dict(memory, parts, found, settings)
        console = Terminal(width=180, stderr=own.json)
        if not own.json:
            print_plan(console, shape, settings, memory, parts, found, assumed)
        if own.dry_run:
            from emlit.plan.dry_run import dry_run

            done = dry_run(arguments.model, config, settings, arguments.trainer.gradient_clip_val)
            alone = replace(settings, ranks=1, nodes=1, shards=1, compute=done.compute, engine=EngineSettings())
            print_dry_run(console, done, plan_memory(shape, alone, replace(GPUS["cpu"], small_tiles=False)))
            result["dry_run"] = vars(done)
        if own.json:
            print(json.dumps(result))
        if own.dry_run and done.problems:
            sys.exit(1)
