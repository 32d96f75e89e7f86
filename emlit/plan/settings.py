"""What of a run decides its memory and time."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class EngineSettings:
    """A run's engine, as far as memory and time depend on it.

    Attributes:
        kind: as it is called in the config
        colocated: on the trainer's own GPUs, a whole copy a rank
        utilization: share of the GPU that a colocated vLLM takes; None for others, which take what they need
        sleeps: gives its memory back while the trainer works
        weight_bytes: of a parameter
        cache_bytes: of the KV cache where it is set outright, as on a CPU
        sequences: completions sampled together, at most
        samples: whether it computes at all
    """

    kind: str = "none"
    colocated: bool = False
    utilization: float | None = None
    sleeps: bool = False
    weight_bytes: int = 2
    cache_bytes: float = 0.0
    sequences: int = 256
    samples: bool = False


@dataclass(frozen=True)
class RunSettings:
    """One optimiser step, as each rank sees it.

    Attributes:
        objective: the module's class
        ranks: processes, one a GPU
        nodes: machines
        shards: ranks that share one copy of the weights; 1 where each has its own
        weight_bytes: of a parameter as it is kept
        autocast: what trainer.precision computes in, where that is mixed
        recomputes_head: whether the head's products are made again in the backward pass
        checkpointing: keep the inputs of layers alone
        reference: what a KL term is taken against: "none", "copy" or "adapters off"
        adapters: whether LoRA alone trains
        cpu_offload: weights, gradients and optimiser wait in the host's memory
        fused: AdamW is one kernel on a GPU
        rows: completions of a micro-batch on one rank, at most
        row_tokens: prompt and completion of the longest row
        completion_tokens: of the longest completion
        micro_batches: of one optimiser step on one rank
        updates: optimiser steps of a round
        prompts: of a round, over all ranks
        samples: completions of a prompt
        steps: optimiser steps of the run; 0 where it has no end
        prompt_mean: tokens of a prompt on average, an assumption
        completion_mean: tokens of a completion on average, an assumption
        engine: what samples
    """

    objective: str = "EMFT"
    ranks: int = 1
    nodes: int = 1
    shards: int = 1
    weight_bytes: int = 4
    autocast: torch.dtype | None = None
    recomputes_head: bool = False
    checkpointing: bool = False
    reference: str = "none"
    adapters: bool = False
    cpu_offload: bool = False
    fused: bool = False
    rows: int = 4
    row_tokens: int = 4096
    completion_tokens: int = 3072
    micro_batches: int = 1
    updates: int = 1
    prompts: int = 512
    samples: int = 1
    steps: int = 0
    prompt_mean: float = 256.0
    completion_mean: float = 1024.0
    engine: EngineSettings = EngineSettings()

    @property
    def scored(self) -> int:
        """Sampled tokens of a micro-batch."""
        return self.rows * self.completion_tokens

    @property
    def compute_bytes(self) -> int:
        """Of a number that the body multiplies."""
        return self.weight_bytes if self.autocast is None else 2

    @property
    def pushed_bytes(self) -> int:
        """Of a parameter on its way to the engine: vLLM's is rounded to the engine's dtype before it is gathered."""
        vllm = self.engine.kind.startswith("VLLM")
        return min(self.engine.weight_bytes, self.weight_bytes) if vllm else self.weight_bytes

    @property
    def sharded(self) -> bool:
        return self.shards > 1
