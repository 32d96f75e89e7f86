"""What a round's tokens and completions say, as named scalars."""
