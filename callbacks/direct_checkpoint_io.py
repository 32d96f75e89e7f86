"""Checkpoints straight into their file."""

import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO


class DirectCheckpointIO(TorchCheckpointIO):
    """Writes a local checkpoint into its file as it is pickled.

    Lightning's own first holds all of it in memory, then writes it under the system's directory for temporary files
    (where a kill leaves it) and moves it, which is a copy between disks. Here a scratch file beside the final one is
    renamed once it is whole.

    Raises:
        OSError: the file could not be written
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        target = Path(path)
        scratch = target.with_name(f"{target.name}.writing")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with scratch.open("wb") as file:
                torch.save(checkpoint, file)
            os.replace(scratch, target)
        except OSError:
            scratch.unlink(missing_ok=True)
            raise
        except RuntimeError as error:  # of torch's zip writer, which stumbles over the file's own
            scratch.unlink(missing_ok=True)
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise
