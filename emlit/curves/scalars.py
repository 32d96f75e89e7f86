"""From a round's tokens and completions to named scalars; docs/curves.md explains each name."""

from collections.abc import Sequence

import torch

from emlit.curves.round_tokens import RoundTokens
from emlit.functional import decile_means, top_share
from emlit.modules import StepOutput
from emlit.processes import all_gather


def token_scalars(tokens: RoundTokens, tau: float) -> dict[str, float]:
    """What the round's tokens say of entropy, log-probability and loss.

    A name whose value is not defined (the end token's entropy where nothing ended, a tenth without a token, a share
    of nothing) is left out.

    Args:
        tokens: of every process
        tau: nats; the threshold of `entropy/fraction_above_tau`
    """
    found = {
        "entropy/token_mean": tokens.entropy.mean(),
        "entropy/fraction_above_tau": (tokens.entropy > tau).float().mean(),
        "entropy/top20_share": top_share(tokens.entropy),
        "entropy/end_token": tokens.entropy[tokens.ended].mean(),
        "logprob/token_mean": tokens.logprob.mean(),
        "loss/top20_share": top_share(tokens.loss),
    }
    for tenth, mean in enumerate(decile_means(tokens.entropy, tokens.decile)):
        found[f"entropy_by_position/{10 * tenth:02d}-{10 * tenth + 10:02d}"] = mean
    for name, values in tokens.values.items():
        if name.endswith("_max"):
            found[name] = values.max()
        elif "/" in name:
            found[name] = values.mean()
        else:
            found[f"{name}/abs_mean"] = values.abs().mean()
    if "kl/ref" in found:
        found["kl/start"] = found["kl/ref"]  # its name before 0.2; to go with the next release
    return {name: value.item() for name, value in found.items() if not torch.isnan(value)}


def completion_scalars(records: Sequence[StepOutput]) -> dict[str, float]:
    """Lengths, rewards and grades of this process's completions; nothing where it has none.

    Those that are trained on apart (replayed, or drawn at another temperature) are left out. Labels are measured
    against, never trained on. Where the completions were given, as a labelled baseline's are, their accuracy would be
    the data set's: left out.
    """
    records = [record for record in records if not record.batch.apart]
    groups = [group for record in records for group in record.batch.groups]
    completions = [completion for group in groups for completion in group.completions]
    if not completions:
        return {}
    sampled = records[0].batch.sampler_logprobs is not None
    grades = [grade for group in groups for grade in group.grades] if sampled else []
    found = {
        "length/mean": sum(len(c.tokens) for c in completions) / len(completions),
        "length/truncated": sum(c.finish_reason == "length" for c in completions) / len(completions),
    }
    if grades:
        found["format/rate"] = sum(grade.format_ok for grade in grades) / len(grades)
    labelled = [grade.correct for grade in grades if grade.correct is not None]
    if labelled:
        found["accuracy/pass@1"] = sum(labelled) / len(labelled)
    if "reward" in records[0].values:
        rewards = torch.cat([r.values["reward"].view(-1, r.batch.samples_per_prompt) for r in records])
        found["reward/mean"] = rewards.mean().item()
        found["reward/std"] = rewards.std(dim=1).mean().item()
    for name, value in records[0].values.items():
        if value.ndim == 0:
            found[name] = value.item()
        elif value.ndim == 1 and name != "reward":
            found[name] = torch.cat([record.values[name] for record in records]).mean().item()
    return found


def over_ranks(scalars: dict[str, float], completions: int | None = None) -> dict[str, float]:
    """Of every process together: shares of the loss add up, the largest gap counts, the rest is averaged.

    Averages of tokens are taken over all processes before (`RoundTokens.over_ranks`).

    Args:
        scalars: of this process
        completions: how many they are averages of; processes count alike unless given
    """
    found = all_gather((scalars, 1 if completions is None else completions))
    merged = {}
    for name in dict.fromkeys(name for each, _ in found for name in each):
        values = [(each[name], weight) for each, weight in found if name in each]
        if name == "loss/total":
            merged[name] = sum(value for value, _ in values)
        elif name.endswith("_max"):
            merged[name] = max(value for value, _ in values)
        else:
            merged[name] = sum(value * weight for value, weight in values) / sum(weight for _, weight in values)
    return merged
