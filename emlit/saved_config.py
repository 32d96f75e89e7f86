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
