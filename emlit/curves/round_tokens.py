"""Every sampled token of a round in one place, whatever micro-batches and processes it was cut into."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from emlit.functional import Reduction, relative_deciles, token_weights
from emlit.modules import StepOutput
from emlit.processes import all_gather


def token_losses(record: StepOutput, reduction: Reduction) -> Tensor:
    """How much each sampled token adds to its optimiser step's loss, as a size: (B, T), 0 elsewhere.

    w_t |l_t|, where l_t is the objective's own term of the token (H_t for EM-FT, -A_t log p_t for EM-RL, or its
    importance-weighted form) and w_t its weight (`token_weights`). EM-FT's add up to its loss; EM-RL's terms have
    either sign and cancel in the sum, their sizes do not. A KL penalty is left out.
    """
    return token_weights(record.batch.loss_mask, reduction, record.batch.normaliser) * record.terms.abs()


@dataclass(frozen=True)
class RoundTokens:
    """The M sampled tokens of a round, flat and on the CPU.

    Attributes:
        entropy: (M,), of the distribution that each was drawn from, nats
        logprob: (M,), nats
        loss: (M,), `token_losses`
        decile: (M,), int64, in which tenth of its completion it lies
        ended: (M,), bool, true on the token that ended its completion: the end token, or the last one of a stop string
        values: (M,), what else the objective recorded for each token
    """

    entropy: Tensor
    logprob: Tensor
    loss: Tensor
    decile: Tensor
    ended: Tensor
    values: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.entropy)

    @classmethod
    def of(cls, records: Sequence[StepOutput], reduction: Reduction) -> "RoundTokens":
        """Those of this process."""
        parts = [cls._of_one(record, reduction) for record in records]
        return cls._joined(parts)

    @classmethod
    def _of_one(cls, record: StepOutput, reduction: Reduction) -> "RoundTokens":
        batch, mask = record.batch, record.batch.completion_mask
        stopped = torch.tensor([why == "stop" for why in batch.finish_reasons], dtype=torch.bool, device=mask.device)
        last = mask.long().cumsum(dim=1) == mask.sum(dim=1, keepdim=True)
        values = {name: value for name, value in record.values.items() if value.shape == mask.shape}
        return cls(
            entropy=record.stats.entropy[mask].cpu(),
            logprob=record.stats.logprob[mask].cpu(),
            loss=token_losses(record, reduction)[mask].cpu(),
            decile=relative_deciles(mask)[mask].cpu(),
            ended=(last & stopped.unsqueeze(1))[mask].cpu(),
            values={name: value[mask].cpu() for name, value in values.items()},
        )

    @classmethod
    def _joined(cls, parts: Sequence["RoundTokens"]) -> "RoundTokens":
        def join(name: str) -> Tensor:
            return torch.cat([getattr(part, name) for part in parts])

        values = {name: torch.cat([part.values[name] for part in parts]) for name in parts[0].values}
        return cls(join("entropy"), join("logprob"), join("loss"), join("decile"), join("ended"), values)

    def over_ranks(self) -> "RoundTokens":
        """Those of every process together; each of them must call it.

        A share of the largest tokens is none that shares of the processes could be averaged to, so the tokens
        themselves travel: about 30 bytes each, once an optimiser step.
        """
        return self._joined(all_gather(self))
