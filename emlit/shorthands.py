"""What a word on the command line stands for in a config."""

from pathlib import Path

from jsonargparse import Namespace

from emlit.errors import ConfigError
from emlit.keys import ENGINES, PROFILERS


def write_out(config: Namespace, run_dir: Path, subcommand: str, step: int | None) -> None:
    """Set what --engine, --profile and --dry_run stand for, and the logger where none is set.

    Args:
        config: of the subcommand
        run_dir: of the run
        subcommand: fit, validate, test or predict
        step: of the checkpoint that it resumes from

    Raises:
        ConfigError: a word that stands for nothing, or one beside what it stands for
    """
    trainer = config.trainer
    if config.engine is not None:
        config.data.engine = engine_of(config.engine)
    if config.profile is not None:
        if trainer.profiler is not None:
            raise ConfigError("profile and trainer.profiler are both set; leave one of them out")
        trainer.profiler = profiler_of(config.profile, run_dir)
    if config.dry_run:
        trainer.logger = False
    if trainer.logger in (None, True):
        trainer.logger = tensorboard_of(run_dir, subcommand, step)


def engine_of(asked: str) -> Namespace:
    """Of --engine: a key of ENGINES, replay:FILE or server:URL[,URL].

    Raises:
        ConfigError: anything else
    """
    name, _, rest = asked.partition(":")
    if name not in ENGINES or (rest and name not in ("replay", "server")):
        raise ConfigError(f"engine is {asked}; it must be one of {', '.join(ENGINES)}, replay:FILE, server:URL[,URL]")
    arguments = Namespace()
    if rest:
        arguments = Namespace(urls=rest.split(",")) if name == "server" else Namespace(path=rest)
    return Namespace(class_path=f"emlit.engines.{ENGINES[name]}", init_args=arguments)


def profiler_of(name: str, run_dir: Path) -> Namespace:
    """Of --profile: a key of PROFILERS."""
    return Namespace(
        class_path=f"lightning.pytorch.profilers.{PROFILERS[name]}",
        init_args=Namespace(dirpath=str(run_dir), filename="profile"),
    )


def tensorboard_of(run_dir: Path, subcommand: str, step: int | None) -> Namespace:
    """One directory for one run: a resumed fit draws on from its checkpoint's step in the same curve."""
    name = "tensorboard" if subcommand == "fit" else f"tensorboard-{subcommand}"
    purge = {} if step is None or subcommand != "fit" else {"purge_step": step + 1}
    return Namespace(
        class_path="lightning.pytorch.loggers.TensorBoardLogger",
        init_args=Namespace(save_dir=str(run_dir), name=name, version=""),
        dict_kwargs=purge,
    )
