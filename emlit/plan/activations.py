"""Bytes of activations: what autograd keeps of a layer, and what its backward pass holds beside that.

Read off transformers' Llama and Qwen2 layers operation by operation; D, F, Q, K as in `ModelShape`.
"""

from emlit.plan.settings import RunSettings
from emlit.plan.shapes import ModelShape


def layer_input(settings: RunSettings) -> int:
    """Bytes of one number of the residual stream: autocast leaves it in float32."""
    return 2 if settings.compute == "bfloat16" else 4


def saved_by_layer(shape: ModelShape, settings: RunSettings) -> int:
    """Bytes that autograd keeps of one token in one layer, the layer's input included.

    norms      float32: input, normed and output, each D, twice
               bfloat16: the input in float32, normed and output
               mixed: input and normed in float32, and a bfloat16 copy of the output for each linear layer after it
    attention  q, k, v, output, and a log-sum-exp a head
    MLP        gate, act(gate), up and their product, F each; a plain MLP has two of them
    """
    d, f, r = shape.hidden, shape.intermediate, settings.adapter_rank
    readers = 5 if shape.gated else 4  # q, k, v and gate, up
    size = settings.compute_bytes
    attention = 2 * (shape.queries + shape.keys) * size + 4 * shape.heads
    mlp = (4 if shape.gated else 2) * f * size
    if r:
        # A frozen norm needs no normed input, and a frozen linear layer no input: the adapters keep theirs.
        own = 0 if settings.compute == "float32" else 2 * (shape.queries + f)
        norms = 16 * d if settings.compute == "float32" else 8 * d + 2 * readers * d
        return norms + attention + mlp + own + (readers + 2) * r * size
    norms = {"float32": 24 * d, "bfloat16": 16 * d, "mixed": 16 * d + 2 * readers * d}[settings.compute]
    return norms + attention + mlp


def layer_backward(shape: ModelShape, settings: RunSettings) -> int:
    """Bytes beside what is kept, in the backward pass of one layer for all tokens: that of its MLP is the largest.

    Either the gradient of down's input (F) with down's weight gradient, or the gradients of gate and up (2 F); and of
    the residual stream (D).
    """
    f, d, size = shape.intermediate, shape.hidden, settings.compute_bytes
    whole = 0 if settings.adapter_rank or settings.sharded else f * d
    weight = whole * {"float32": 4, "mixed": 6, "bfloat16": 2}[settings.compute]
    residual = settings.tokens * d * layer_input(settings)
    return residual + max(settings.tokens * f * size + weight, 2 * settings.tokens * f * size)


def layer_forward(shape: ModelShape, settings: RunSettings) -> int:
    """Bytes of a layer's forward pass where nothing is kept: its MLP's gate, act(gate) and up; input and residual."""
    inner = (3 if shape.gated else 2) * shape.intermediate * settings.compute_bytes
    return settings.tokens * (inner + 2 * shape.hidden * layer_input(settings))
