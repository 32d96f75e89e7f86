"""What of a run decides its memory and time."""

from dataclasses import dataclass
from typing import Literal

# How the body computes. float32: weights and activations are. mixed: autocast casts float32 weights where they are
# used. bfloat16: the weights that a layer sees are bfloat16, FSDP2's copies or a base kept so.
Compute = Literal["float32", "mixed", "bfloat16"]
Head = Literal["gradient in forward", "tiles", "logits"]
Reference = Literal["none", "copy", "adapters off"]


@dataclass(frozen=True)
class EngineSettings:
    """Who samples.

    Attributes:
        kind: as it is called in the config
        colocated: on the trainer's own GPUs, a whole copy a rank
        utilization: share of the GPU that a colocated vLLM takes; None for others, which take what they need
        sleeps: gives its memory back while the trainer works
        weight_bytes: of a parameter
        cache_bytes: of the KV cache where it is set outright, as on a CPU
        sequences: completions sampled together, at most
    """

    kind: str = "none"
    colocated: bool = False
    utilization: float | None = None
    sleeps: bool = False
    weight_bytes: int = 2
    cache_bytes: float = 0.0
    sequences: int = 256


@dataclass(frozen=True)
class RunSettings:
    """One optimiser step, as each rank sees it.

    Attributes:
        objective: the module's class
        ranks: processes, one a GPU
        nodes: machines
        shards: ranks that share one copy of the weights; 1 where each has its own
        weight_bytes: of a parameter as it is kept
        compute: how the body computes
        head: "gradient in forward" (`linear_entropy_loss`), "tiles" (`linear_token_stats`) or whole logits
        entropy_gradient: whether the loss is differentiated through entropies, as EM-FT's is, or log p alone
        checkpointing: keep the inputs of layers alone
        reference: what a KL term is taken against
        reference_bytes: of a parameter of a frozen copy, but for layers that autocast multiplies
        adapter_rank: of LoRA on every linear layer of the body; 0 without
        adapter_parameters: of LoRA
        cpu_offload: weights, gradients and optimiser wait in the host's memory
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
        engine: who samples
    """

    objective: str = "EMFT"
    ranks: int = 1
    nodes: int = 1
    shards: int = 1
    weight_bytes: int = 4
    compute: Compute = "float32"
    head: Head = "gradient in forward"
    entropy_gradient: bool = True
    checkpointing: bool = False
    reference: Reference = "none"
    reference_bytes: int = 4
    adapter_rank: int = 0
    adapter_parameters: int = 0
    cpu_offload: bool = False
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
    def tokens(self) -> int:
        """Of a micro-batch, padding included."""
        return self.rows * self.row_tokens

    @property
    def scored(self) -> int:
        """Sampled tokens of a micro-batch."""
        return self.rows * self.completion_tokens

    @property
    def compute_bytes(self) -> int:
        return 4 if self.compute == "float32" else 2

    @property
    def sharded(self) -> bool:
        return self.shards > 1


def pushed_bytes(settings: RunSettings) -> int:
    """Of a parameter on its way to the engine: vLLM's is rounded to the engine's dtype before it is gathered."""
    vllm = settings.engine.kind.startswith("VLLM")
    return min(settings.engine.weight_bytes, settings.weight_bytes) if vllm else settings.weight_bytes
