"""From parsed arguments of `cli.py fit` to the settings that memory and time follow from."""

from math import ceil
from typing import Any

from jsonargparse import Namespace

from emlit.engines.vllm import kv_cache_gb_here
from emlit.errors import ConfigError
from emlit.plan.gpus import GIB
from emlit.plan.settings import EngineSettings, RunSettings
from emlit.plan.shapes import ModelShape
from emlit.policy.loading import AUTOCAST_DTYPES, check_precision
from emlit.rollout.round_plan import RoundPlan

# Strategies that cut weights, gradients and optimiser into shards.
_SHARDED = ("FSDP2", "ModelParallelStrategy")
_WORDS = {"fsdp2": "FSDP2"}
# Sampled together unless the config says otherwise: vLLM's own choice on a GPU of 80 GiB, and with 70 GiB or more 1024.
_SEQUENCES = 256


def read_settings(
    arguments: Namespace,
    shape: ModelShape,
    row_tokens: int | None = None,
    prompt_mean: float | None = None,
    completion_mean: float | None = None,
) -> RunSettings:
    """What a config says of one optimiser step.

    Args:
        arguments: of `fit`, parsed
        shape: of the model
        row_tokens: prompt and completion of the longest row; data.context unless given
        prompt_mean: tokens; unless given an eighth of the room for a prompt, at least 16
        completion_mean: tokens; unless given half of sampling.max_tokens

    Raises:
        ConfigError: settings that no run could have
    """
    model, data, trainer = arguments.model.init_args, arguments.data, arguments.trainer
    objective = arguments.model.class_path.rpartition(".")[2]
    strategy, options = _strategy(trainer.strategy)
    sharded = strategy in _SHARDED
    per_node, nodes = _devices(trainer.devices, sharded), int(trainer.num_nodes)
    ranks = per_node * nodes
    solutions = objective == "SFT"
    samples = 1 if solutions else int(data.samples_per_prompt)
    plan = RoundPlan.of(
        data.prompts_per_round, samples, data.updates_per_round, data.micro_batch_prompts,
        int(trainer.accumulate_grad_batches), ranks, trainer.max_steps,
    )  # fmt: skip
    share = ceil(plan.prompts / plan.updates / ranks)
    positions = shape.positions or 8192
    context = min(data.context or min(positions, 8192), row_tokens or positions)
    longest = min(int(data.sampling.max_tokens), context)
    precision = str(trainer.precision or "32-true")
    check_precision(precision)
    return RunSettings(
        objective=objective,
        ranks=ranks,
        nodes=nodes,
        shards=1 if not sharded else per_node if options.get("shard_within_node") else ranks,
        weight_bytes=_bytes(model.get("dtype") or "float32"),
        autocast=AUTOCAST_DTYPES.get(precision),
        recomputes_head=objective != "EMFT" or _terms(model) or model.get("entropy_temperature") is not None,
        checkpointing=bool(model.get("gradient_checkpointing")),
        reference=("adapters off" if model.get("lora") else "copy") if _needs_reference(model) else "none",
        adapters=model.get("lora") is not None,
        cpu_offload=bool(options.get("cpu_offload")),
        fused=model.get("optimizer") is None and precision != "16-mixed",
        rows=ceil(share / plan.micro_batches) * samples,
        row_tokens=context,
        completion_tokens=longest,
        micro_batches=plan.micro_batches,
        updates=plan.updates,
        prompts=plan.prompts,
        samples=samples,
        steps=max(0, int(trainer.max_steps)),
        prompt_mean=prompt_mean or max(16.0, (context - longest) / 8),
        completion_mean=completion_mean or longest / 2,
        engine=EngineSettings() if solutions else _engine(data.engine, shape, context),
    )


def _devices(devices: Any, sharded: bool) -> int:
    if isinstance(devices, list):
        return len(devices)
    if str(devices) in ("auto", "-1"):
        if sharded:
            raise ConfigError(f"trainer.devices is {devices}, of a machine that is not here; give --gpus")
        return 1
    try:
        return max(1, int(devices))
    except ValueError:
        return len(str(devices).split(","))


def _strategy(strategy: Any) -> tuple[str, dict[str, Any]]:
    """The class's name, or the word; and its arguments."""
    if isinstance(strategy, str):
        return _WORDS.get(strategy, strategy.rpartition(".")[2]), {}
    return strategy.class_path.rpartition(".")[2], strategy.get("init_args", Namespace()).as_dict()


def _bytes(dtype: str) -> int:
    return 2 if dtype in ("bfloat16", "float16") else 4


def _terms(model: Namespace) -> bool:
    """Whether anything is added to the loss."""
    return bool(model.get("kl_weight") or model.get("entropy_floor") or model.get("loss_terms"))


def _needs_reference(model: Namespace) -> bool:
    terms = [each.class_path.rpartition(".")[2] for each in model.get("loss_terms") or []]
    return bool(model.get("kl_weight")) or "KLToReference" in terms


def _engine(engine: Namespace | None, shape: ModelShape, context: int) -> EngineSettings:
    if engine is None:
        return EngineSettings("VLLMEngine", colocated=True, utilization=0.4, sequences=_SEQUENCES, samples=True)
    kind = engine.class_path.rpartition(".")[2]
    options = engine.get("init_args", Namespace())
    size = 4 if options.get("dtype") == "float32" else 2
    if kind == "TransformersEngine":
        batch = int(options.get("batch_size") or 128)
        cache = batch * context * 2 * shape.layers * shape.keys * size
        return EngineSettings(kind, colocated=True, weight_bytes=size, cache_bytes=cache, sequences=batch, samples=True)
    if kind != "VLLMEngine":  # a server has GPUs of its own, and what is replayed needs none
        sequences = int(options.get("max_num_seqs") or _SEQUENCES)
        return EngineSettings(kind, sequences=sequences, weight_bytes=size, samples=kind != "ReplayEngine")
    return EngineSettings(
        kind,
        colocated=True,
        samples=True,
        utilization=float(options.get("gpu_memory_utilization") or 0.4),
        sleeps=bool(options.get("sleep")),
        weight_bytes=size,
        cache_bytes=float(options.get("kv_cache_gb") or kv_cache_gb_here()) * GIB,
        sequences=int(options.get("max_num_seqs") or _SEQUENCES),
    )
