"""EM-FT: fine-tuning on the entropy of the model's own samples."""

from typing import Any

from torch import Tensor

from emlit.functional import KLPenalty
from emlit.modules.causal_lm import CausalLM
from emlit.modules.objective import EntropyObjectiveMixin
from emlit.records import RolloutBatch


class EMFT(EntropyObjectiveMixin, CausalLM):
    """Minimise the entropy of each next-token distribution along the model's own completions.

    The completions are constants: the gradient is that of H alone, with no score-function term (arXiv 2505.15134,
    Sec. 3.1 and Table 1). No reward, no label.

    Args:
        kl_estimator: k2, whose gradient is that of KL(policy || reference), or k3, whose gradient is that of the
            reverse
    """

    def __init__(self, *, kl_estimator: KLPenalty = "k3", **objective: Any) -> None:
        super().__init__(kl_estimator=kl_estimator, **objective)

    def training_step(self, batch: RolloutBatch) -> Tensor:
        loss, stats = self.entropy_loss(batch)
        return self.finish(loss, stats.entropy, self.loss_inputs(stats, batch), {})
