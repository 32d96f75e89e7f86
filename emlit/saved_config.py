"""Where a run's whole configuration is kept."""

from pathlib import Path
from typing import Any

from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.loggers import TensorBoardLogger

from emlit.resilience.files import write_whole


class SavedConfig(SaveConfigCallback):
    """config.yaml beside TensorBoard's curves, or in the run's directory: a logger may have no directory of its own.

    Raises:
        ConfigError: there is one that emlit did not write, as `--config` may name one in the run's directory
    """

    def save_config(self, trainer: Any, pl_module: Any, stage: str) -> None:
        logger = trainer.logger
        directory = Path(logger.log_dir if isinstance(logger, TensorBoardLogger) else trainer.default_root_dir)
        write_whole(directory / self.config_filename, self.parser.dump(self.config, skip_none=False))


def keeps_config(logger: Any) -> bool:
    """Whether the run's directory will have it, by a config's `trainer.logger`; None and True are TensorBoard's."""
    first = logger[0] if isinstance(logger, list) and logger else logger
    return first not in (None, True) and not getattr(first, "class_path", "").endswith("TensorBoardLogger")
