"""The plan of a command line: read as `cli.py fit` would, and printed."""

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from jsonargparse import Namespace
from rich.console import Console

from emlit.command_line import SETTINGS, EmlitCLI
from emlit.config_values import require_usable
from emlit.errors import ConfigError, require_positive
from emlit.modules import CausalLM
from emlit.plan.dry_run import DryRun, dry_run
from emlit.plan.gpus import gpu_of
from emlit.plan.knobs import fewest_gpus, knobs
from emlit.plan.memory import MemoryPlan, plan_memory
from emlit.plan.printing import Advice, as_dict, print_plan
from emlit.plan.reading import read_settings
from emlit.plan.settings import EngineSettings, RunSettings
from emlit.plan.shapes import ModelShape, find_config, shape_of
from emlit.plan.work import Assumptions, plan_work
from emlit.resilience.endings import ends_in_a_sentence
from emlit.rollout import RolloutDataModule
from emlit.shorthands import engine_of
from emlit.terminal import Terminal


class _Arguments(EmlitCLI):
    """Parses what `cli.py fit` would, and makes nothing of it."""

    def _set_seed(self) -> None: ...

    def before_instantiate_classes(self) -> None:
        arguments = self.config["fit"]
        for key, value in arguments.items():
            require_usable(key, value)
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
    names = ("gpus", "nodes", "row_tokens", "prompt_tokens", "completion_tokens", "mfu")
    require_positive(**{name: getattr(own, name) for name in names})
    if own.mfu > 1:
        raise ConfigError(f"mfu is {own.mfu}; it must be at most 1")


@dataclass(frozen=True)
class Case:
    """A command line, read: its arguments, the model's configuration and sizes, and what follows from them."""

    arguments: Namespace
    config: Any
    shape: ModelShape
    settings: RunSettings


class Planner:
    """Evaluates command lines, each once; of the same model with the same micro-batch one dry run serves all.

    Args:
        own: the plan's own arguments
        words: of `cli.py fit`
        console: where it says what it is doing
    """

    def __init__(self, own: argparse.Namespace, words: Sequence[str], console: Console) -> None:
        self.own, self.words, self.gpu, self.console = own, list(words), gpu_of(own.gpu), console
        self._cases: dict[tuple[str, ...], Case] = {}
        self._runs: dict[str, DryRun] = {}

    def __call__(self, more: Sequence[str] = ()) -> MemoryPlan:
        """The memory of the command line with `more` words."""
        case = self.case(more)
        return plan_memory(case.shape, case.settings, self.gpu, self.dry_run(more))

    def case(self, more: Sequence[str] = ()) -> Case:
        """Raises ConfigError: there is no such run."""
        if tuple(more) not in self._cases:
            arguments, own = fit_arguments([*self.words, *more]), self.own
            pretrained = arguments.model.init_args.pretrained
            config = find_config(pretrained, own.shape)
            shape = shape_of(config, own.shape or pretrained)
            settings = read_settings(arguments, shape, own.row_tokens, own.prompt_tokens, own.completion_tokens)
            self._cases[tuple(more)] = Case(arguments, config, shape, settings)
        return self._cases[tuple(more)]

    def dry_run(self, more: Sequence[str] = ()) -> DryRun:
        """One step of it."""
        case = self.case(more)
        shards = case.settings.shards
        alone = replace(case.settings, engine=EngineSettings(), nodes=1, ranks=shards, cpu_offload=False)
        key = repr((case.arguments.model, replace(alone, prompt_mean=0, completion_mean=0, prompts=0)))
        if key not in self._runs:
            self.console.print(f"dry run of a step {' '.join(more)}".rstrip(), style="dim")
            clip = case.arguments.trainer.gradient_clip_val
            self._runs[key] = dry_run(case.arguments.model, case.config, alone, clip, self.gpu.on_cpu)
        return self._runs[key]


def plan(own: argparse.Namespace, rest: list[str]) -> None:
    """Print what the config of `rest`, arguments of `cli.py fit`, needs under the assumptions of `own`."""
    warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
    with ends_in_a_sentence():
        check_own(own)
        for key, value in (("devices", own.gpus), ("num_nodes", own.nodes)):
            rest += [] if value is None else [f"--trainer.{key}={value}"]
        console = Terminal(width=180, stderr=own.json)
        planner = Planner(own, rest, console)
        case, memory, found = planner.case(), planner(), planner.dry_run()
        assumed = Assumptions(mfu=own.mfu)
        parts = plan_work(case.shape, case.settings, planner.gpu, assumed, found.parameters)
        advice = Advice([] if memory.fits else knobs(case.settings, planner), fewest_gpus(planner))
        if own.json:
            print(json.dumps(as_dict(memory, parts, advice, case.settings, found)))
        else:
            print_plan(console, case.shape, case.settings, memory, parts, advice, assumed, found)
        if found.problems or (own.gpu == "here" and not memory.fits):
            sys.exit(1)
