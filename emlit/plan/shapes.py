"""The sizes of a model: from its config.json, or of models whose config.json is published."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from emlit.errors import ConfigError
from emlit.plan.published import PUBLISHED
from emlit.policy.loading import decoder_layers
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
    """Sizes of a decoder that time and an engine's memory follow from.

    Attributes:
        name: where they come from
        vocabulary: V
        hidden: D
        layers: L
        queries: heads x head size, Q
        keys: key-value heads x head size, K
        layer_parameters: of one decoder layer, on average
        active_parameters: of those the ones that a token is multiplied by: of experts the chosen ones
        root_parameters: of all else: embeddings, final norm and an untied head
        largest: parameters of the largest tensor
        positions: the most tokens in a row; None where there is no limit
    """

    name: str
    vocabulary: int
    hidden: int
    layers: int
    queries: int
    keys: int
    layer_parameters: int
    active_parameters: int
    root_parameters: int
    largest: int
    positions: int | None

    @property
    def parameters(self) -> int:
        return self.layers * self.layer_parameters + self.root_parameters

    @property
    def multiplied(self) -> int:
        """Parameters that each token is multiplied by: all but the embeddings, whose rows are looked up."""
        return self.layers * self.active_parameters + self.vocabulary * self.hidden


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
        path = Path(os.path.expanduser(shape))
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
    """Sizes from a configuration; parameters are counted in the model itself, on the meta device."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    text = config.get_text_config()
    layers = decoder_layers(model)
    body = sum(p.numel() for layer in layers for p in layer.parameters())
    experts = sum(p.numel() for layer in layers for key, p in layer.named_parameters() if ".experts." in f".{key}")
    chosen = getattr(text, "num_experts_per_tok", None) or 1
    of = getattr(text, "num_local_experts", None) or getattr(text, "num_experts", None) or chosen
    heads = text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // heads
    return ModelShape(
        name=name,
        vocabulary=text.vocab_size,
        hidden=text.hidden_size,
        layers=len(layers),
        queries=heads * size,
        keys=(getattr(text, "num_key_value_heads", None) or heads) * size,
        layer_parameters=body // len(layers),
        active_parameters=int(body - experts * (1 - chosen / of)) // len(layers),
        root_parameters=sum(p.numel() for p in model.parameters()) - body,
        largest=max(p.numel() for p in model.parameters()),
        positions=getattr(text, "max_position_embeddings", None),
    )
