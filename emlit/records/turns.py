"""Questions to an engine, its replies, and the one that counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emlit.functional import TokenStats
from emlit.records.prompts import Prompt
from emlit.records.requests import Completion
from emlit.records.rows import Message
from emlit.records.sampling import Sampling


@dataclass(frozen=True)
class Ask:
    """One completion to sample.

    Attributes:
        prompt: the problem
        sample: which of its answers
        turn: which turn of a task of several, from 0
        draft: how many drafts of this turn came before
        messages: the conversation; None where it is the prompt's own
        room: tokens that the context must leave it; with less the conversation has outgrown the context
        given: the first tokens of the reply, after which the engine goes on
        sampling: how; None where it is the strategy's. A strategy finds its own in the asks that it is given, and may
            ask with another temperature, max_tokens or stop (of what is sampled, without `given`)
    """

    prompt: Prompt
    sample: int
    turn: int = 0
    draft: int = 0
    messages: Sequence[Message] | None = None
    room: int = 1
    given: Sequence[int] = ()
    sampling: Sampling | None = None

    def conversation(self) -> list[Message]:
        task = self.prompt.task
        return self.prompt.row.messages(task.system_prompt) if self.messages is None else list(self.messages)


@dataclass(frozen=True)
class Reply:
    """What an engine made of an Ask.

    Attributes:
        prompt: the token ids that it read, those that were given included
        completion: what it sampled after them
        text: of the reply so far: what was given, and the completion
    """

    prompt: list[int]
    completion: Completion
    text: str


@dataclass(frozen=True)
class Turn:
    """The reply that counts, and all that it took.

    Attributes:
        reply: what is graded
        prompt_tokens: read for it; a prompt that several samples share counts once, as its cache is shared
        sampled_tokens: those of votes and drafts included
    """

    reply: Reply
    prompt_tokens: int
    sampled_tokens: int


@dataclass(frozen=True)
class ScoredAnswer:
    """One answer of a problem, and what the policy makes of its tokens.

    Attributes:
        prompt: the problem
        turns: one, or several of a task of several
        stats: of each turn's reply, (length,) each, nats, at temperature 1; None where the module does not score
    """

    prompt: Prompt
    turns: Sequence[Turn]
    stats: Sequence[TokenStats] | None


# Replies in the order of the questions; None where a conversation has outgrown the context.
Sampler = Callable[[Sequence[Ask]], list[Reply | None]]
