"""What a round's tokens and completions say, as named scalars."""

from emlit.curves.round_tokens import RoundTokens, token_losses
from emlit.curves.scalars import completion_scalars, over_ranks, token_scalars

__all__ = ["RoundTokens", "completion_scalars", "over_ranks", "token_losses", "token_scalars"]
