"""The sizes of a model: from its config.json, or of models whose config.json is published."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from emlit.errors import ConfigError
from emlit.plan.published import PUBLISHED
from emlit.pretrained import load_config, resolve

# Hub ids under which they are trained here.
_IDS = {
    "Qwen/Qwen2.5-Math-7B": "qwen2.5-math-7b",
    "Qwen/Qwen2.5-Math-7B-Instruct": "qwen2.5-math-7b",
    "Qwen/Qwen2.5-7B-Instruct": "qwen2.5-7b",
    "PRIME-RL/Eurus-2-7B-SFT": "eurus-2-7b",
    "Qwen/Qwen2.5-0.5B": "qwen2.5-0.5b",
    "Qwen/Qwen2.5-1.5B": "qwen2.5-1.5b",
    "Qwen/Qwen2.5-1.5B-Instruct": "qwen2.5-1.5b",
    "Qwen/Qwen2.5-32B-Instruct": "qwen2.5-32b",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3.1-8b",
}


@dataclass(frozen=True)
class ModelShape:
    """Sizes of a decoder with gated or plain MLPs.

    Attributes:
        name: where they come from
        vocabulary: V
        hidden: D
        intermediate: F
        layers: L
        queries: heads x head size, Q
        keys: key-value heads x head size, K
        heads: of attention
        gated: whether an MLP is down(act(gate) * up)
        tied: whether the embeddings are the head's weight
        layer_parameters: of one decoder layer
        root_parameters: of all else: embeddings, final norm and an untied head
        largest: parameters of the largest tensor
        positions: the most tokens in a row
    """

    name: str
    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    queries: int
    keys: int
    heads: int
    gated: bool
    tied: bool
    layer_parameters: int
    root_parameters: int
    largest: int
    positions: int

    @property
    def parameters(self) -> int:
        return self.layers * self.layer_parameters + self.root_parameters

    @property
    def multiplied(self) -> int:
        """Parameters that each token is multiplied by: all but the embeddings, whose rows are looked up."""
        return self.layers * self.layer_parameters + self.vocabulary * self.hidden


def published_config(name: str) -> Any:
    """The transformers configuration of a key of PUBLISHED."""
    from transformers import AutoConfig

    settings = dict(PUBLISHED[name])
    return AutoConfig.for_model(settings.pop("model_type"), **settings)


def find_config(pretrained: str, shape: str | None = None) -> Any:
    """The transformers configuration of a model, without its weights.

    Args:
        pretrained: as in model.pretrained
        shape: a config.json, a directory with one, or a key of PUBLISHED, to be taken in its place

    Raises:
        ConfigError: it is not to be had
    """
    if shape is not None:
        if shape in PUBLISHED:
            return published_config(shape)
        path = Path(shape).expanduser()
        path = path / "config.json" if path.is_dir() else path
        if not path.is_file():
            raise ConfigError(f"shape is {shape}; it must be a config.json or one of {', '.join(PUBLISHED)}")
        from transformers import AutoConfig

        try:
            settings = json.loads(path.read_text())
            return AutoConfig.for_model(settings.pop("model_type"), **settings)
        except (ValueError, KeyError, AttributeError) as error:
            raise ConfigError(f"shape is {shape}, which is not a model's config.json: {error}") from error
    if pretrained in _IDS:
        return published_config(_IDS[pretrained])
    try:
        return load_config(resolve(pretrained))
    except Exception as error:  # the hub's client has many
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            f"pretrained is {pretrained}, whose config.json is not at hand; give --shape a config.json or one of "
            f"{', '.join(PUBLISHED)}"
        ) from error


def shape_of(config: Any, name: str) -> ModelShape:
    """Sizes from a configuration; parameters are counted in the model itself, on the meta device.

    Raises:
        ConfigError: no stack of equal decoder layers, for which the plan has no formula
    """
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    layers = getattr(model.base_model, "layers", None)
    counts = [sum(p.numel() for p in layer.parameters()) for layer in layers or []]
    text = config.get_text_config()
    mlp = getattr(layers[0], "mlp", None) if layers else None
    if not counts or len(set(counts)) > 1 or not hasattr(mlp, "down_proj") or hasattr(mlp, "experts"):
        raise ConfigError(
            f"{name} is a {config.model_type}, for which the plan has no formula: it knows stacks of equal decoder "
            "layers with one MLP each (Llama, Qwen2, Qwen3 and their kin)"
        )
    head_size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return ModelShape(
        name=name,
        vocabulary=text.vocab_size,
        hidden=text.hidden_size,
        intermediate=text.intermediate_size,
        layers=len(counts),
        queries=text.num_attention_heads * head_size,
        keys=(getattr(text, "num_key_value_heads", None) or text.num_attention_heads) * head_size,
        heads=text.num_attention_heads,
        gated=hasattr(mlp, "gate_proj"),
        tied=bool(config.tie_word_embeddings),
        layer_parameters=counts[0],
        root_parameters=sum(p.numel() for p in model.parameters()) - sum(counts),
        largest=max(p.numel() for p in model.parameters()),
        positions=text.max_position_embeddings,
    )
