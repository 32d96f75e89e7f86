"""The models, tasks and forms of benchmarks.real_cells."""

from dataclasses import dataclass

# By short name: the file in --weights (GGUF) and the hub's name.
MODELS = {
    "smollm2": ("smollm2-135m.gguf", "HuggingFaceTB/SmolLM2-135M-Instruct"),
    "gemma": ("gemma3-270m.gguf", "google/gemma-3-270m"),
    "qwen-coder": ("qwen2.5-coder-0.5b.gguf", "Qwen/Qwen2.5-Coder-0.5B-Instruct"),
}


@dataclass(frozen=True)
class Cell:
    """One model on the first problems of one task.

    Args:
        model: a key of MODELS
        task: the class in emlit.tasks
        form: the file of the prompt's form and the length of answers
        problems: how many
        trained_on: the class of the problems without labels that training answers; it is not trained on otherwise
    """

    model: str
    task: str
    form: str
    problems: int
    trained_on: str | None = None

    @property
    def name(self) -> str:
        return f"{self.model}-{self.task.lower()}-{self.form}"


CELLS = (
    Cell("qwen-coder", "ASDiv", "direct", 96, "SVAMP"),
    Cell("qwen-coder", "ASDiv", "one_line", 96, "SVAMP"),
    Cell("qwen-coder", "SVAMP", "direct", 96),
    Cell("qwen-coder", "SVAMP", "one_line", 96, "ASDiv"),
    Cell("qwen-coder", "GSM8K", "direct", 96),
    Cell("qwen-coder", "GSM8K", "steps", 64),
    Cell("qwen-coder", "MATH500", "direct", 96),
    Cell("qwen-coder", "MATH500", "short_proof", 48),
    Cell("qwen-coder", "HumanEval", "program", 64),
    Cell("qwen-coder", "MBPP", "program", 64),
    Cell("gemma", "ASDiv", "direct", 128, "SVAMP"),
    Cell("gemma", "SVAMP", "direct", 128),
    Cell("gemma", "GSM8K", "steps", 64),
    Cell("smollm2", "ASDiv", "direct", 128, "SVAMP"),
    Cell("smollm2", "SVAMP", "direct", 128),
    Cell("smollm2", "GSM8K", "steps", 64),
)
