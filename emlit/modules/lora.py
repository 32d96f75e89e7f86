"""LoRA through peft: a frozen base, small matrices that train, and merged weights computed beside both."""

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from emlit.errors import ConfigError
from emlit.modules.scoring import unwrapped
from emlit.parallel import scatter

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

ALL_LINEAR = "all-linear"
_BASE = ".base_layer."  # what peft puts between an adapted layer's name and that of its weight


@dataclass(frozen=True)
class LoRA:
    """Train W + alpha / r * B A in place of W, with A and B of rank r and W frozen (arXiv 2106.09685, Sec. 4.1).

    The adapters have no dropout: the sampler has none either, and both must draw from and score one distribution. They
    are float32 whatever the base is. A learning rate five to ten times that of whole weights suits them.

    Args:
        r: the rank
        alpha: of the factor alpha / r; held fixed, it lets one learning rate serve several ranks
        target_modules: "all-linear" for each linear layer but the lm_head, or names of linear and embedding layers, as
            in [q_proj, v_proj]

    Raises:
        ConfigError: a value that cannot be, or peft is not installed
    """

    r: int = 16
    alpha: int = 32
    target_modules: list[str] | str = ALL_LINEAR

    def __post_init__(self) -> None:
        if self.r < 1:
            raise ConfigError(f"lora.r is {self.r}; it must be at least 1")
        if self.alpha < 1:
            raise ConfigError(f"lora.alpha is {self.alpha}; it must be at least 1")
        if not self.target_modules:
            raise ConfigError("lora.target_modules is empty; name some layers, or leave it out for all-linear")
        if not installed():
            raise ConfigError("lora is set, but peft is not installed: pip install emlit[lora]")

    def targets(self) -> list[str] | str:
        """`target_modules`, sorted, or "all-linear"."""
        names = self.target_modules
        if names == ALL_LINEAR:
            return ALL_LINEAR
        return sorted({names} if isinstance(names, str) else set(names))

    def adapt(self, model: "PreTrainedModel") -> "PeftModel":
        """Freeze `model` and put adapters into it, in place; they start at B = 0, and A follows the global seed."""
        from peft import LoraConfig, get_peft_model

        self.check(model)
        config = LoraConfig(
            r=self.r,
            lora_alpha=self.alpha,
            target_modules=self.targets(),
            lora_dropout=0.0,
            task_type="CAUSAL_LM",
        )
        return get_peft_model(model, config)

    def check(self, model: "PreTrainedModel") -> None:
        """Raise ConfigError where `model`, which may be on the meta device, has no such layers to adapt."""
        targets = self.targets()
        if targets == ALL_LINEAR:
            return
        from transformers.pytorch_utils import Conv1D

        kinds = (torch.nn.Linear, torch.nn.Embedding, Conv1D)
        layers = {name: module for name, module in model.named_modules() if isinstance(module, kinds)}
        for target in targets:
            # As peft does: a whole name, or the end of one. What else it would match, it could not adapt.
            found = [name for name, _ in model.named_modules() if f".{name}".endswith(f".{target}")]
            if not found or not layers.keys() >= set(found):
                known = ", ".join(dict.fromkeys(name.rpartition(".")[2] for name in layers))
                raise ConfigError(
                    f"lora.target_modules has {target}, which is no linear or embedding layer of "
                    f"{model.config.name_or_path or type(model).__name__}; it has {known}"
                )
            ends = (model.get_input_embeddings(), model.get_output_embeddings())
            if any(layers[name] in ends for name in found) and ends[1] is not None and ends[0].weight is ends[1].weight:
                raise ConfigError(
                    f"lora.target_modules has {target}, whose weight is both the model's embeddings and its lm_head: "
                    "an adapter on one of them would tear them apart; leave it out"
                )


def installed() -> bool:
    """Whether peft can be imported (without importing it)."""
    return importlib.util.find_spec("peft") is not None


def is_adapter(name: str) -> bool:
    """Whether a name in a model's `state_dict()` is that of an adapter's weight."""
    return ".lora_" in name


def merged_weights(model: "PreTrainedModel | PeftModel") -> Iterator[tuple[str, Tensor]]:
    """A model's weights under their Hugging Face names, adapters merged, and tied weights under both names.

    W + alpha / r * B A is a new tensor in W's dtype, computed when it is asked for and not kept: W is never written to,
    so that no rounding of a merge and its undoing can add up in it. A caller that lets go of each tensor holds one.
    """
    base = unwrapped(model)
    for name, tensor in base.state_dict().items():
        if is_adapter(name):
            continue
        layer, adapted, leaf = name.rpartition(_BASE)
        if adapted and leaf == "weight":
            tensor = _merged(base.get_submodule(layer), tensor)
        yield name.replace(_BASE, "."), tensor


def _merged(layer: Any, weight: Tensor) -> Tensor:
    """W + alpha / r * B A, in W's dtype: a half-precision W is added to in float32, and the sum rounded once."""
    # An engine that keeps a tensor made in the inference mode of predict could not be written to outside of it.
    with torch.inference_mode(False), torch.no_grad():
        (adapter,) = layer.active_adapters
        return (weight + layer.get_delta_weight(adapter)).to(weight.dtype)


def plain_weights(base: "PreTrainedModel") -> dict[str, Tensor]:
    """A model's own parameters under their Hugging Face names, tied ones under both, without those of adapters."""
    state = base.state_dict(keep_vars=True)
    return {name.replace(_BASE, "."): value for name, value in state.items() if not is_adapter(name)}


@torch.no_grad()
def fill_adapters(base: "PreTrainedModel") -> None:
    """Give sharded adapters their first values, B = 0 and peft's A; every process must call it."""
    for name, value in base.state_dict(keep_vars=True).items():
        if is_adapter(name):
            # As peft does in reset_lora_parameters; embeddings have it the other way round.
            starts_at_zero = ".lora_B." in name or ".lora_embedding_A" in name
            full = torch.zeros(value.shape)
            if ".lora_embedding_B" in name:
                torch.nn.init.normal_(full)
            elif not starts_at_zero:
                torch.nn.init.kaiming_uniform_(full, a=math.sqrt(5))
            scatter(full, value)


def settings(lora: LoRA | None) -> dict[str, Any] | None:
    """As a checkpoint keeps them, the same for the same layers."""
    return None if lora is None else {**asdict(lora), "target_modules": lora.targets()}


def differences(theirs: dict[str, Any] | None, lora: LoRA | None) -> str | None:
    """How a checkpoint's LoRA settings differ from a run's own, and the way out; None where they do not."""
    if theirs == settings(lora):
        return None
    if theirs is None:
        return "holds whole weights, but lora is set; set --model.lora null, or give its export as --model.pretrained"
    listed = {key: f"'[{', '.join(value)}]'" if isinstance(value, list) else value for key, value in theirs.items()}
    wanted = " ".join(f"--model.lora.{key} {value}" for key, value in listed.items())
    return f"holds LoRA adapters that do not fit this run; set {wanted}"
