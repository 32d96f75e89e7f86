"""From a name to the model that trains or scores: whole, or this process's shards of it."""

from typing import TYPE_CHECKING, Any, Literal

import torch

from emlit import pretrained as loading
from emlit.errors import ConfigError
from emlit.parallel import Sharding, load_sharded
from emlit.policy.lora import LoRA, fill_adapters, plain_weights
from emlit.policy.scoring import unwrapped

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

Dtype = Literal["float32", "bfloat16"]
# What autocast multiplies in, by the trainer's precision.
AUTOCAST_DTYPES = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def check_precision(precision: Any) -> None:
    """Raise ConfigError for one of Lightning's that would turn weights into another dtype than `model.dtype`."""
    if precision in ("32-true", "bf16-mixed", "16-mixed"):
        return
    ways = {
        "bf16-true": "set --model.dtype bfloat16 for weights in bfloat16, and trainer.precision 32-true",
        "16-true": "float16 weights cannot be trained: set bf16-mixed, or --model.dtype bfloat16 with 32-true",
    }
    way = ways.get(precision, "set 32-true, bf16-mixed or 16-mixed")
    raise ConfigError(f"trainer.precision is {precision}, but model.dtype says what weights are: {way}")


def load_policy(
    pretrained: str,
    dtype: Dtype,
    lora: LoRA | None = None,
    sharding: Sharding | None = None,
    keep_root: bool = True,
    trust_remote_code: bool = False,
) -> "PreTrainedModel":
    """The causal language model, with adapters where they are asked for.

    Args:
        pretrained: "tiny", a directory or a Hugging Face id
        dtype: of the weights
        lora: the adapters
        sharding: how the model is cut over processes; it is made on the meta device and never held whole
        keep_root: as `Sharding.apply` takes it
        trust_remote_code: run code that lies beside the weights
    """

    def load() -> "PreTrainedModel":
        return loading.load_model(path, torch_dtype, trust_remote_code)

    path, torch_dtype = loading.resolve(pretrained), getattr(torch, dtype)
    if sharding is None:
        model = load()
        return model if lora is None else lora.adapt(model)
    with torch.device("meta"):
        model = load()
        model = model if lora is None else lora.adapt(model)
    sharding.apply(model, fsdp_units(model), keep_root)
    model.to_empty(device=sharding.home)
    base = unwrapped(model)
    base.tie_weights()
    load_sharded(base, plain_weights(base), path, whole=load)
    fill_adapters(base)
    for buffer in model.buffers():
        buffer.data = buffer.data.to(sharding.device)
    return model


def load_reference(
    pretrained: str,
    dtype: Dtype,
    sharding: Sharding | None = None,
    autocast: torch.dtype | None = None,
    trust_remote_code: bool = False,
) -> "PreTrainedModel":
    """The frozen model before training, which computes what the policy would and is kept in fewer bytes.

    Args:
        pretrained: "tiny", a directory or a Hugging Face id
        dtype: of the policy's weights
        sharding: as the policy's
        autocast: what linear layers compute in, in training. Theirs are kept in it, as they would be cast to it in
            each pass; norms and embeddings, which autocast leaves in float32, stay as they are. Under `sharding` all
            that is gathered is cast, so that all of it is kept so
        trust_remote_code: run code that lies beside the weights
    """
    if sharding is not None:
        computes_in = {torch.bfloat16: "bfloat16", None: dtype}[sharding.compute_dtype]
        model = load_policy(
            pretrained, computes_in, sharding=sharding, keep_root=False, trust_remote_code=trust_remote_code
        )
    else:
        model = load_policy(pretrained, dtype, trust_remote_code=trust_remote_code)
        if autocast is not None:
            for layer in decoder_layers(model):
                for module in layer.modules():
                    if isinstance(module, torch.nn.Linear):
                        module.to(autocast)
    return model.eval().requires_grad_(False)


def decoder_layers(model: "PreTrainedModel") -> list["nn.Module"]:
    """The layers between embeddings and head, by the class that transformers keeps in one piece."""
    base = unwrapped(model)
    names = set(base._no_split_modules or ())
    return [module for module in base.modules() if names & {kind.__name__ for kind in type(module).__mro__}]


def fsdp_units(model: "PreTrainedModel") -> list["nn.Module"]:
    """What is gathered for itself: each decoder layer, and embeddings that are not the head's too."""
    base = unwrapped(model)
    embeddings, head = base.get_input_embeddings(), base.get_output_embeddings()
    alone = type(embeddings) is torch.nn.Embedding and head is not None and head.weight is not embeddings.weight
    return [*decoder_layers(model), embeddings] if alone else decoder_layers(model)
