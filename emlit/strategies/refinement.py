"""Iterative refinement: the model reads its own answer and writes it again (Madaan et al., arXiv 2303.17651)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from emlit import progress
from emlit.errors import ConfigError, require_at_least
from emlit.records import Ask, Sampler, Turn
from emlit.strategies.base import Strategy
from emlit.strategies.sampled import single_reply_turn

INSTRUCTION = (
    "Check the answer above step by step. If it has a mistake, correct it. Then write the complete answer again, in "
    "the form that was asked for at first."
)


class IterativeRefinement(Strategy):
    """Drafts, each written after reading the problem, the draft before and an instruction; the last one counts.

    (The released scripts repeated the problem after the draft, with no instruction.) Where a conversation no longer
    fits the context, the draft before counts.

    Args:
        drafts: how many, the first included; the paper's N
        instruction: what the model is told after a draft
        options: as of Sampled
    """

    def __init__(self, drafts: int = 3, instruction: str = INSTRUCTION, **options: Any) -> None:
        require_at_least(2, drafts=drafts)
        if not instruction.strip():
            raise ConfigError("instruction is empty; say what is to be done with a draft")
        super().__init__(**options)
        self.drafts, self.instruction = drafts, instruction

    @property
    def kind(self) -> str:
        return f"refinement, {self.drafts} drafts"

    def turn(self, asks: Sequence[Ask], sample: Sampler) -> list[Turn | None]:
        with progress.phase("refining", self.drafts, "drafts") as phase:
            turns = [single_reply_turn(reply) for reply in sample(asks)]
            for draft in range(1, self.drafts):
                phase.advance()
                going_on = [(index, turn) for index, turn in enumerate(turns) if turn is not None]
                asked = [self._again(asks[index], turn, draft) for index, turn in going_on]
                for (index, before), reply in zip(going_on, sample(asked), strict=True):
                    again = single_reply_turn(reply)
                    if again is not None:
                        prompts, sampled = before.prompt_tokens, before.sampled_tokens
                        turns[index] = Turn(again.reply, prompts + again.prompt_tokens, sampled + again.sampled_tokens)
        return turns

    def _again(self, ask: Ask, before: Turn, draft: int) -> Ask:
        conversation = ask.conversation()
        begun = conversation.pop()["content"] if conversation[-1]["role"] == "assistant" else ""  # by the prompt
        conversation += [
            {"role": "assistant", "content": begun + before.reply.text},
            {"role": "user", "content": self.instruction},
        ]
        # A draft that has less room than the one before would be cut short, and count.
        return replace(ask, draft=draft, messages=conversation, room=len(before.reply.completion.tokens))
