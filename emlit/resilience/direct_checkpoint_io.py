"""Checkpoints straight into their file, and out of it without running what it names."""

import os
import secrets
from pathlib import Path
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO

from emlit.resilience import checkpoint_files
from emlit.resilience.files import delete


class DirectCheckpointIO(TorchCheckpointIO):
    """Writes a local checkpoint into its file as it is pickled; reads tensors and plain values alone.

    Lightning's own first holds all of it in memory, then writes it under the system's directory for temporary files
    (where a kill leaves it) and moves it, which is a copy between disks. Here a scratch file beside the final one is
    renamed once it is whole.

    Raises:
        OSError: the file could not be written
        ConfigError: it could not be read, or holds what would run code
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        target = Path(path)
        scratch = target.with_name(f".{target.name}.{secrets.token_hex(8)}.writing")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            checkpoint_files.write(checkpoint, scratch)
            os.replace(scratch, target)
        except OSError:
            delete(scratch)
            raise

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        if "://" in str(path):
            return super().load_checkpoint(path, map_location, weights_only=True)
        return checkpoint_files.read(Path(path))
