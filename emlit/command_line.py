"""What `cli.py` runs: LightningCLI with emlit's keys, run directory and errors."""

import logging
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from emlit import lean_imports  # noqa: F401 (what is imported behind it reads what it sets)

# isort: split
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from torch.distributed.checkpoint.api import CheckpointException

from emlit import callbacks, resuming, run_directory
from emlit.argument_errors import concise_error, key_of
from emlit.config_values import require_usable
from emlit.errors import ConfigError, EmlitError, first_line
from emlit.keys import CALLBACKS, PROFILERS, RUN_ARGUMENTS, configs_first, evaluates_another_set
from emlit.keys.commands import CKPT_PATH
from emlit.keys.help import program
from emlit.modules import CausalLM, EntropyObjectiveMixin, LoRA
from emlit.parallel import abort_on_peer_failure, is_lost_peer, require_known
from emlit.parser import Parser
from emlit.printable import PrintableRecord, printable
from emlit.resilience.announced import announced_by_first
from emlit.resilience.checkpoint_files import restoring
from emlit.resilience.endings import ends_in_a_sentence, is_of_others, resume_command, say, show_mistake
from emlit.resilience.run_lock import RunLock, is_first_process
from emlit.rollout import RolloutDataModule
from emlit.saved_config import SavedConfig, keeps_config
from emlit.shorthands import write_out

# What LightningCLI is given, whatever is made of the arguments that it parses.
SETTINGS: dict[str, Any] = {
    "subclass_mode_model": True,
    "seed_everything_default": 0,
    "trainer_defaults": {"enable_model_summary": False},
    "parser_class": Parser,
    "auto_configure_optimizers": False,
    "save_config_callback": SavedConfig,
    "save_config_kwargs": {"save_to_log_dir": False},
}


class EmlitCLI(LightningCLI):
    """LightningCLI with a run directory, emlit's callbacks and readable errors."""

    parser: Parser
    subcommand: str
    _stale_paths: Sequence[Path] = ()
    _lock = RunLock()
    _made: tuple[Path, ...] = ()

    def __init__(self, model: type, data: type, args: ArgsType = None, **settings: Any) -> None:
        words = sys.argv[1:] if args is None else args
        self._first_word = words[0] if isinstance(words, list) and words else None
        super().__init__(model, data, args=args, **settings)

    def add_core_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """As Lightning does, but with the Trainer's long list at the end."""
        types = {
            "run_dir": str | None,
            "overwrite": bool,
            "dry_run": bool,
            "engine": str | None,
            "profile": Literal[*PROFILERS] | None,
        }
        for key, (_, default, text) in RUN_ARGUMENTS.items():
            parser.add_argument(f"--{key}", type=types[key], default=default, help=text)
        parser.add_lightning_class_args(CausalLM, "model", subclass_mode=True)
        parser.add_lightning_class_args(RolloutDataModule, "data")
        for key, name in CALLBACKS.items():
            parser.add_lightning_class_args(getattr(callbacks, name), key)
        parser.add_lightning_class_args(self.trainer_class, "trainer")
        parser.set_defaults({f"trainer.{key}": value for key, value in self.trainer_defaults.items()})

    def _prepare_subcommand_parser(self, klass: type, subcommand: str, **kwargs: Any) -> LightningArgumentParser:
        """Return the command's parser, without arguments where another command is given: each takes half a second."""
        if self._first_word in self.subcommands() and self._first_word != subcommand:
            return self.init_parser(**kwargs)
        parser = super()._prepare_subcommand_parser(klass, subcommand, **kwargs)
        parser.usage = f"{program()} {subcommand} --config FILE [--config OVERLAY] [--key value ...]"
        next(action for action in parser._actions if action.dest == "ckpt_path").help = CKPT_PATH[subcommand]
        return parser

    def before_instantiate_classes(self) -> None:
        """Resolve run_dir, checkpoint and logger, and refuse what cannot go well before anything is built."""
        config = self.config[self.subcommand]
        for sentence in self.parser.replaced:
            if is_first_process():
                say(sentence)
        for key, value in config.items():
            require_usable(key, value)
        if self.subcommand == "validate" and config.trainer.limit_val_batches == 0:
            raise ConfigError("trainer.limit_val_batches is 0; it must be above 0, or nothing is done")
        run_dir = Path(config.run_dir or Path("runs") / _config_name(config.config))
        if config.trainer.default_root_dir is not None:
            raise ConfigError("trainer.default_root_dir is set; set run_dir, which it is for")
        config.run_dir = config.trainer.default_root_dir = str(run_dir)
        run_directory.require_directory(run_dir)
        target = config.export.dirpath if self.subcommand == "fit" else None
        if target and run_directory.is_of_run(run_dir, Path(target)):
            raise ConfigError(f"export.dirpath is {target}, which the run uses itself; name another")
        self._lock.take(run_dir, self.subcommand)  # before it is read: the other run may be about to change it
        if config.get("weights_only") is False:
            raise ConfigError("weights_only is false, but checkpoints are only read as data; leave it out")
        config.weights_only = True
        automatic = config.ckpt_path == "auto"
        checkpoint = resuming.find_checkpoint(config.ckpt_path, run_dir, self.subcommand == "fit")
        require_known(config.trainer.strategy, config.trainer.precision, checkpoint)
        pretrained = config.model.init_args.pretrained
        lora = config.model.init_args.get("lora")
        lora = None if lora is None else LoRA(**lora.as_dict())
        with restoring(checkpoint):
            content = None if checkpoint is None else resuming.read_checkpoint(checkpoint, pretrained, lora)
        step = None if content is None else content["global_step"]
        config.ckpt_path = None if checkpoint is None else str(checkpoint)
        if self.subcommand == "fit":
            if config.trainer.limit_val_batches is None:
                config.trainer.limit_val_batches = 0  # RunSummary evaluates, at both ends and as often as asked
            self._stale_paths = run_directory.stale_paths(run_dir, checkpoint, config.overwrite, automatic)
            with restoring(checkpoint):
                resumed = None if self._stale_paths else content
                finished = resumed is not None and resuming.is_finished(run_dir, resumed, config)
            if finished:
                done = f"{checkpoint} is at step {step}, the run's last, and all else is there: nothing is left"
                print(printable(done))
                sys.exit(0)
        elif self.subcommand == "predict" and config.return_predictions is None:
            config.return_predictions = False  # they are on disk
            config.trainer.logger = config.trainer.logger or False  # and there is no curve to draw
        if is_first_process():  # which may be writing there already
            beside = keeps_config(config.trainer.logger)
            profiled = config.profile is not None
            run_directory.require_free(run_dir, self.subcommand, self._stale_paths, profiled, beside)
        write_out(config, run_dir, self.subcommand, step)

    def instantiate_classes(self) -> None:
        try:
            with announced_by_first("making the run's parts", at_once=False):
                super().instantiate_classes()
        except Exception as error:
            plain = ValueError | TypeError | ImportError | OverflowError | MisconfigurationException
            if not isinstance(error, plain) and (isinstance(error, EmlitError) or not is_of_others(error)):
                raise
            # Of a constructor; jsonargparse tells those of optional plug-ins as its own.
            show_mistake(error)
            sentence = concise_error(str(error) or type(error).__name__, [])
            key = key_of(error, self.config[self.subcommand])
            raise ConfigError(sentence if not key or sentence.startswith(key) else f"{key}: {sentence}") from error

    def after_instantiate_classes(self) -> None:
        """Tell the trainer its checkpoint now: given to `fit` or `predict`, callbacks would learn of it too late."""
        if self.subcommand == "fit" and not isinstance(self.model, EntropyObjectiveMixin):
            raise ConfigError(
                f"model is {type(self.model).__name__}, which has no objective to train; set model to EMFT, EMRL or SFT"
            )
        arguments = self.config_init[self.subcommand]
        # Not earlier: what a constructor refuses costs nobody a run.
        run_dir, checkpoint = Path(arguments.run_dir), arguments.ckpt_path and Path(arguments.ckpt_path)
        made = run_directory.make(run_dir)
        self._lock.take(run_dir, self.subcommand)
        if is_first_process():
            EmlitCLI._made = made
        if arguments.dry_run:
            self.trainer.callbacks.append(callbacks.DryRun())  # type: ignore[attr-defined]
        elif is_first_process():
            run_directory.take(run_dir, self.subcommand, self._stale_paths, checkpoint, arguments.profile is not None)
        self.trainer.ckpt_path, arguments.ckpt_path = arguments.ckpt_path, None

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        words = sys.argv[1:] if args is None else args
        if isinstance(words, list):
            words = args = configs_first([str(word) for word in words])
        if isinstance(words, list) and evaluates_another_set(words):
            args = [*words, "--data.evaluation=held_out"]
            if is_first_process():
                say(
                    "data.train replaces the config's, and the config's data.evaluation does not go with it: name "
                    "problems with --data.evaluation to evaluate on others than prompts of data.train, or null for none"
                )
        try:
            with announced_by_first("reading the config", at_once=False):
                super().parse_arguments(parser, args)
        except UnicodeDecodeError as error:
            raise ConfigError(f"config: a file given with --config is not UTF-8 text ({error.reason})") from error

    def _set_seed(self) -> None:
        try:
            super()._set_seed()
        except ValueError as error:
            raise ConfigError(f"seed_everything: {error}; give a seed in these bounds") from error

    def _parse_ckpt_path(self) -> None:
        """Lightning would let a checkpoint's hyperparameters override the command line; emlit's have none."""


def _config_name(files: Any) -> str:
    """configs/tiny/em_ft.yaml is tiny/em_ft; a config elsewhere goes by its file name alone."""
    if not files:
        return "unnamed"
    path = Path(str(files[0]))
    return f"{path.parent.name}/{path.stem}" if path.parent.parent.name == "configs" else path.stem


def run(args: ArgsType = None) -> None:
    """Run the command line.

    Errors of emlit end it with one sentence and exit status 2, signals with the command that resumes it and
    128 + the signal.
    """
    # Advice for other programs, and Lightning's own noise about itself.
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        r".*isinstance\(treespec",
        "The number of training batches",
        r".*torch\.distributed\.reduce_op",
        "Total length of `PromptLoader`",  # all is predicted already
        r"It is recommended to use `self\.log",  # with sync_dist, as is done: vLLM makes a process group of one
        "LightningCLI's args parameter",  # words are added to those of the command line
    ):
        warnings.filterwarnings("ignore", message=message)
    logging.setLogRecordFactory(PrintableRecord)
    abort_on_peer_failure(lambda: resume_command(args))
    try:
        with ends_in_a_sentence():
            EmlitCLI(CausalLM, RolloutDataModule, **SETTINGS, args=args)
    except callbacks.Stopped as stop:
        if stop.code:  # not every process of several
            say(f"{stop.sentence}; {stop.way_on}: {resume_command(args, stop.saved)}")
        raise
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and not isinstance(end.__context__, KeyboardInterrupt):
            raise
        say(f"stopped by SIGINT; start or resume with: {resume_command(args)}")
        sys.exit(130)
    except RuntimeError as error:
        if not is_lost_peer(error):
            raise
        time.sleep(5)  # whoever started this process knows which one was lost, and ends the rest
        why = f"another process of this run is gone ({first_line(error)})"
        say(f"error: {why}; resume with: {resume_command(args)}")
        sys.exit(1)
    except CheckpointException as error:  # no Exception: of the processes that read a folder of shards together
        reason = first_line(next((each for each, _ in error.failures.values()), error))
        say(f"error: ckpt_path is a folder of shards that could not be read: {reason}")
        sys.exit(2)
    except MisconfigurationException as error:
        say(f"error: trainer: {' '.join(str(error).split())}")
        sys.exit(2)
    finally:
        run_directory.leave_no_trace(EmlitCLI._made)
        EmlitCLI._made = ()
        EmlitCLI._lock.release()
