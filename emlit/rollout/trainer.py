"""Lightning's Trainer, with what it sets on itself without declaring it."""

from typing import TYPE_CHECKING

import lightning as L

if TYPE_CHECKING:
    from emlit.rollout.datamodule import RolloutDataModule

    class Trainer(L.Trainer):
        """For annotations: what runs is Lightning's."""

        callbacks: list[L.Callback]
        datamodule: RolloutDataModule
else:
    Trainer = L.Trainer
