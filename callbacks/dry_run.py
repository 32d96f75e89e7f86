"""Everything that a run checks before its model loads, shown, and no run."""

from collections.abc import Sequence

import lightning as L

from emlit.modules import CausalLM
from emlit.records import Prompt
from emlit.rollout.trainer import Trainer
from emlit.terminal import Terminal

_SHOWN = 2
_LONGEST = 2000  # characters of a prompt


class Shown(SystemExit):
    """The end of a dry run."""


class DryRun(L.Callback):
    """Shows two prompts as the model would read them and how much there is to do, then ends the program with 0.

    To stand behind all others: what they refuse is told before. Nothing is written, and no weights are loaded.
    """

    def preflight(self, trainer: Trainer, module: CausalLM, stage: str) -> None:
        data = trainer.datamodule
        prompts = data.train_prompts if stage == "fit" else data.evaluation_prompts
        console = Terminal()
        if trainer.is_global_zero:
            for number in range(min(_SHOWN, len(prompts))):
                prompt = prompts[number]
                text = data.tokenizer.decode(prompt.tokens)
                cut = f" (its first {_LONGEST:,} characters)" if len(text) > _LONGEST else ""
                console.rule(f"prompt {number + 1}, {prompt.where}{cut}")
                console.print(text[:_LONGEST])
                if prompt.row.answer is not None:
                    console.named("label", prompt.row.answer)
            console.rule()
            console.named("model", module.pretrained)
            if stage == "fit":
                console.named("train", f"{len(prompts):,} prompts of {prompts[0].task.name}")
                plan = data.round_plan()
                each = f"{plan.prompts} prompts x {plan.samples} samples"
                console.named("a round", f"{each}, {plan.updates} optimiser step{'s' * (plan.updates != 1)}")
            console.named("evaluation", _evaluated(data.evaluation_prompts, data.evaluation_samples))
            console.named(
                "lengths",
                f"prompts of up to {data.longest_prompt:,} tokens, answers of up to {data.sampling.max_tokens:,}",
            )
        raise Shown(0)


def _evaluated(prompts: Sequence[Prompt], samples: int) -> str:
    tasks = ", ".join(dict.fromkeys(prompt.task.name for prompt in prompts))
    return f"{len(prompts):,} prompts of {tasks} x {samples} samples" if prompts else "none"
