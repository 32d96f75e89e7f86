"""EM-INF: the predict loop with entropy-minimised decoding."""

import logging

import lightning as L

from emlit.decoding import PRESETS, Decoding, EntropyMinimization, Preset
from emlit.errors import ConfigError
from emlit.rollout.trainer import Trainer

log = logging.getLogger(__name__)


class EMInference(L.Callback):
    """Lower the entropy of each next-token distribution while predict, validate or test decode.

    The data module takes `decoding` for all that is sampled; without this callback the same run is the plain baseline
    (arXiv 2505.15134, Sec. 4).

    Args:
        preset: "released" for the values of the authors' scripts (threshold 0.3, kl_weight 0.05, learning_rate 0.1,
            3 steps), "paper" for those of the text (no KL term, 10 steps); the other arguments override single values
        threshold: nats; a distribution is left alone once its entropy is below
        kl_weight: weight of the pull towards the model's own distribution
        learning_rate: Adam's, on the logits
        steps: at most so many for each token
    """

    def __init__(
        self,
        preset: Preset = "released",
        threshold: float | None = None,
        kl_weight: float | None = None,
        learning_rate: float | None = None,
        steps: int | None = None,
    ) -> None:
        if preset not in PRESETS:
            raise ConfigError(f"preset of EMInference is {preset!r}; it must be one of {', '.join(PRESETS)}")
        chosen = {"threshold": threshold, "kl_weight": kl_weight, "learning_rate": learning_rate, "steps": steps}
        overrides = {name: value for name, value in chosen.items() if value is not None}
        try:
            self.decoding: Decoding = EntropyMinimization(**{**vars(PRESETS[preset]), **overrides})
        except ValueError as error:
            raise ConfigError(f"EMInference: {error}") from None

    def preflight(self, trainer: Trainer, module: L.LightningModule, stage: str) -> None:
        if stage == "fit":
            raise ConfigError("EMInference changes decoding and has no place in fit; use it with predict or validate")
        if stage == "predict" and trainer.datamodule.strategies is not None:
            raise ConfigError(
                "EMInference and data.strategies are both set; take EMInference out of trainer.callbacks and give a "
                "strategy its em_inf"
            )
        if trainer.datamodule.sampling.temperature == 0:
            log.warning(
                "EM-INF never moves the most likely token: sampling.temperature is 0, so this run decodes greedily, "
                "without it; set it above 0 to see EM-INF work"
            )
