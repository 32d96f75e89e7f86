"""LoRA through peft: a frozen base, small matrices that train, and merged weights computed beside both."""

import importlib.util
import math
import reprlib
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from emlit.errors import ConfigError, first_line
from emlit.parallel import scatter
from emlit.policy.scoring import unwrapped
from emlit.printable import printable

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

ALL_LINEAR = "all-linear"
_BASE = "base_layer"  # what peft puts between an adapted layer's name and that of its weight


@dataclass(frozen=True)
class LoRA:
    """Train W + alpha / r * B A in place of W, with A and B of rank r and W frozen (arXiv 2106.09685, Sec. 4.1).

    The adapters have no dropout: the sampler has none either, and both must draw from and score one distribution. They
    are float32 whatever the base is. A learning rate five to ten times that of whole weights suits them.

    Args:
        r: the rank
        alpha: of the factor alpha / r; held fixed, it lets one learning rate serve several ranks
        target_modules: "all-linear" for each linear layer but the lm_head and routers (with those experts that peft
            knows how to adapt, of Mixtral and Qwen-MoE models), or names of linear and embedding layers, as in
            [q_proj, v_proj]

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

    def adapt(self, model: "PreTrainedModel") -> "PreTrainedModel":
        """Freeze `model` and put adapters into it, in place; they start at B = 0, and A follows the global seed.

        Raises:
            ConfigError: there is no such layer, or none that peft can adapt
        """
        from peft import LoraConfig, get_peft_model

        self.check(model)
        every = self.targets() == ALL_LINEAR
        config = LoraConfig(
            r=self.r,
            lora_alpha=self.alpha,
            target_modules=self.targets(),
            exclude_modules=_not_plain(model) or None if every else None,
            lora_dropout=0.0,
            task_type="CAUSAL_LM",
        )
        try:
            with warnings.catch_warnings():  # it asks for experts of ranks that it then does not find
                warnings.filterwarnings("ignore", ".*_pattern keys did not match", RuntimeWarning)
                return get_peft_model(model, config)  # type: ignore[return-value]  # what it lacks it has of the model
        except ValueError as error:
            raise ConfigError(
                f"lora.target_modules is {self.target_modules}, which peft cannot adapt in a "
                f"{printable(model.config.model_type)}: {first_line(error)}"
            ) from error

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


def _not_plain(model: "PreTrainedModel") -> list[str]:
    """The linear layers that "all-linear" leaves out, by name.

    Some classes of linear layers are more than W x + b (routers, layers of grouped heads), and a state space's kernels
    read the weights of all layers beside its convolution but the first without calling them.
    """
    linear = [(name, each) for name, each in model.named_modules() if isinstance(each, torch.nn.Linear)]
    convolved = {name.rpartition(".")[0] for name, _ in model.named_modules() if name.endswith(".conv1d")}
    beside = [(name, *name.rpartition(".")[::2]) for name, _ in linear]
    read = [name for name, parent, leaf in beside if parent in convolved and not leaf.startswith("in_proj")]
    return read + [name for name, layer in linear if not _is_affine(layer)]


@torch.no_grad()
def _is_affine(layer: torch.nn.Linear) -> bool:
    """Whether a layer gives W x + b; of one on the meta device, whether it gives as many numbers."""
    if type(layer).forward is torch.nn.Linear.forward:
        return True
    states = torch.ones(1, 1, layer.in_features, dtype=layer.weight.dtype, device=layer.weight.device)
    expected = torch.nn.functional.linear(states, layer.weight, layer.bias)
    try:
        found = layer(states)
    except Exception:  # it takes other arguments, or other shapes
        return False
    if not isinstance(found, Tensor) or found.shape != expected.shape:
        return False
    return found.is_meta or torch.allclose(found, expected, rtol=1e-2, atol=1e-4)


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
        layer, adapted, leaf = name.partition(f".{_BASE}.")
        if adapted and (adapter := _adapter_of(base.get_submodule(layer), leaf)) is not None:
            tensor = _merged(adapter, tensor)
        yield _plain(name), tensor


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part != _BASE)


def _adapter_of(layer: Any, leaf: str) -> Any:
    """Of the adapters around one layer the one of its parameter `leaf`; None where that has none.

    A layer of experts is a module with several parameters, around which peft puts one adapter for each.
    """
    parameter = leaf.rpartition(".")[2]
    while hasattr(layer, _BASE):
        if getattr(layer, "parameter_name", "weight") == parameter:
            return layer
        layer = getattr(layer, _BASE)
    return None


def _merged(layer: Any, weight: Tensor) -> Tensor:
    """W + alpha / r * B A, in W's dtype: a half-precision W is added to in float32, and the sum rounded once."""
    # An engine that keeps a tensor made in the inference mode of predict could not be written to outside of it.
    with torch.inference_mode(False), torch.no_grad():
        (adapter,) = layer.active_adapters
        return (weight + layer.get_delta_weight(adapter)).to(weight.dtype)


def plain_weights(base: "PreTrainedModel") -> dict[str, Tensor]:
    """A model's own parameters under their Hugging Face names, tied ones under both, without those of adapters."""
    state = base.state_dict(keep_vars=True)
    return {_plain(name): value for name, value in state.items() if not is_adapter(name)}


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


def _as_argument(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return f"'[{', '.join(value)}]'"
    return value if isinstance(value, str) else reprlib.repr(value)  # a file may hold anything


def differences(theirs: dict[str, Any] | None, lora: LoRA | None) -> str | None:
    """How a checkpoint's LoRA settings differ from a run's own, and the way out; None where they do not."""
    if theirs == settings(lora):
        return None
    if theirs is None:
        return "holds whole weights, but lora is set; set --model.lora null, or give its export as --model.pretrained"
    wanted = " ".join(f"--model.lora.{key} {_as_argument(value)}" for key, value in theirs.items())
    return f"holds LoRA adapters that do not fit this run; set {wanted}"
