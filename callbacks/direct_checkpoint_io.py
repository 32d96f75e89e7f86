"""Checkpoints straight into their file."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO


class DirectCheckpointIO(TorchCheckpointIO):
    """Writes a local checkpoint into its file as it is pickled.

    Lightning's own first holds all of it in memory, then writes it under the system's directory for temporary files
    (where a kill leaves it) and moves it, which is a copy between disks. That a half-written file is never taken for a
    checkpoint is here the caller's affair: `RunCheckpoint` renames.

    Raises:
        OSError: the file could not be written
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(path, "wb") as file:
                torch.save(checkpoint, file)
        except RuntimeError as error:  # of torch's zip writer, which stumbles over the file's own
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise
