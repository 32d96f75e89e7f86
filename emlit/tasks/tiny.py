"""The embedded default's problems as a task."""

from emlit.errors import ConfigError
from emlit.records import Row
from emlit.tasks.base import Task
from emlit.tiny.corpus import careful_solution
from emlit.tiny.problems import Difficulty, Split, problems


class TinyArithmetic(Task):
    """Expressions such as 47 + 38 - 19, made on the spot, with labels and right solutions.

    Args:
        split: "train", "validation" or "test"; no expression is in two of them
        n: how many problems
        seed: which ones
        difficulty: "default", where confidence tracks correctness, or "hard", where it misleads
    """

    def __init__(
        self, split: Split = "train", n: int = 4096, seed: int = 0, difficulty: Difficulty = "default"
    ) -> None:
        if n < 1:
            raise ConfigError(f"n is {n}; TinyArithmetic needs at least 1 problem")
        self.name = "tiny" if difficulty == "default" else f"tiny-{difficulty}"
        self._arguments = (split, n, seed, difficulty)

    def rows(self) -> list[Row]:
        try:
            made = problems(*self._arguments)
        except ValueError as error:
            raise ConfigError(f"TinyArithmetic: {error}") from None
        return [
            Row(id=row["id"], prompt=row["prompt"], answer=row["answer"], solution=careful_solution(row["expression"]))
            for row in made
        ]
