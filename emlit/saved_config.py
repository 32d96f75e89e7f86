"""Where a run's whole configuration is kept."""

from pathlib import Path
from typing import Any

from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.loggers import TensorBoardLogger


class SavedConfig(SaveConfigCallback):
    """config.yaml beside TensorBoard's curves, or in the run's directory: a logger may have no directory of its own."""

    def save_config(self, trainer: Any, pl_module: Any, stage: str) -> None:
        logger = trainer.logger
        directory = Path(logger.log_dir if isinstance(logger, TensorBoardLogger) else trainer.default_root_dir)
        directory.mkdir(parents=True, exist_ok=True)
        self.parser.save(self.config, directory / self.config_filename, skip_none=False, overwrite=True)
