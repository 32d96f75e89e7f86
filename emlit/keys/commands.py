"""The keys of each subcommand that are not arguments of a class, and the classes behind the others."""

from collections.abc import Sequence

SUBCOMMANDS = {
    "fit": "train: EM-FT, EM-RL or a baseline; evaluates before and after, exports a Hugging Face directory",
    "validate": "measure, before training, whether entropy minimisation is expected to help; writes report.md",
    "test": "answer the evaluation problems once and print accuracy, format, length and entropy",
    "predict": "answer prompts, plain or with EM-INF, into predictions.jsonl; then report.md and report.json",
}

# What --engine sets as data.engine.
ENGINES = {
    "vllm": "VLLMEngine",
    "transformers": "TransformersEngine",
    "server": "VLLMServerEngine",
    "replay": "ReplayEngine",
}
# What --profile sets as trainer.profiler.
PROFILERS = {"simple": "SimpleProfiler", "advanced": "AdvancedProfiler", "pytorch": "PyTorchProfiler"}

# Name: type, default, help.
RUN_ARGUMENTS: dict[str, tuple[str, object, str]] = {
    "run_dir": ("str | None", None, "directory of the run; runs/<name of the config> unless set"),
    "overwrite": ("bool", False, "start anew in a run directory that holds an earlier run"),
    "engine": (
        "str | None",
        None,
        "the engine, in a word, whatever data.engine says: vllm, transformers, server (at http://127.0.0.1:8000) or "
        "server:URL[,URL], replay (the rows' own solutions) or replay:FILE (completions from a JSONL file)",
    ),
    "dry_run": (
        "bool",
        False,
        "check all that is checked before a model loads, show two prompts, sizes and (fit) memory, and stop",
    ),
    "profile": (
        "Literal['simple', 'advanced', 'pytorch'] | None",
        None,
        "write where the time goes into the run directory: simple is a table of hooks, advanced adds Python functions, "
        "pytorch operators and a trace (docs/performance.md)",
    ),
}

_LAST = "a checkpoint, or last for checkpoints/last.ckpt in the run directory"
CKPT_PATH = {
    "fit": f"resume from {_LAST}; auto resumes from last where there is one and starts anew where a run was killed "
    "before it, so that one command both starts a run and restarts it",
    **dict.fromkeys(("validate", "test", "predict"), f"use the weights of {_LAST}"),
}

# Lightning's own, of which a subcommand takes some.
LIGHTNING_ARGUMENTS = {
    "fit": ("ckpt_path", "weights_only"),
    "validate": ("ckpt_path", "verbose", "weights_only"),
    "test": ("ckpt_path", "verbose", "weights_only"),
    "predict": ("return_predictions", "ckpt_path", "weights_only"),
}

MODEL, DATA, TRAINER = "emlit.modules.CausalLM", "emlit.rollout.RolloutDataModule", "lightning.pytorch.Trainer"

# Under these keys each callback's arguments are set, in a config or on the command line.
CALLBACKS = {
    "signals": "StopOnSignal",  # first, so that it listens before the first evaluation
    "non_finite": "SkipNonFinite",
    "sync": "WeightSync",
    "curves": "EntropyCurves",
    "guard": "CollapseGuard",  # before what evaluates, saves and exports: it may hand them earlier weights
    "samples": "SamplesPage",
    "summary": "RunSummary",
    "checkpoint": "RunCheckpoint",
    "export": "HFExport",
    "writer": "PredictionWriter",
    "preflight": "PreflightReport",
    "progress": "RolloutProgress",
}

# Class by key, for the keys whose class is always the same.
CLASSES = {"data": DATA, "trainer": TRAINER, **{key: f"emlit.callbacks.{name}" for key, name in CALLBACKS.items()}}


def with_values(words: Sequence[str]) -> list[str]:
    """A command line whose --dry_run, which needs no value, has one."""
    after = [*words, ""][1:]
    bare = [word == "--dry_run" and value not in ("true", "false") for word, value in zip(words, after, strict=True)]
    return [f"{word}=true" if alone else word for word, alone in zip(words, bare, strict=True)]


def configs_first(words: Sequence[str]) -> list[str]:
    """A command line with its configs before its keys, so that a key on it wins over a file wherever it stands."""
    configs: list[str] = []
    others = list(words[:1])
    rest = iter(words[1:])
    for word in rest:
        if word in ("--config", "-c"):
            configs += [word, *([value] if (value := next(rest, None)) is not None else [])]
        elif word.startswith(("--config=", "-c=")):
            configs.append(word)
        else:
            others.append(word)
    return [*others[:1], *configs, *others[1:]]
