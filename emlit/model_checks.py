"""Whether a model is a whole causal language model, by its configuration and by what loading it found."""

import logging
from typing import TYPE_CHECKING, Any

import torch

from emlit.errors import DataError, first_line
from emlit.printable import printable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)


def require_causal(path: str, config: Any) -> None:
    """Raise DataError where a configuration is of no causal language model in numbers that can be trained."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    kind = f"pretrained is {printable(path)}, whose config.json is of {printable(config.model_type)}"
    if getattr(config, "quantization_config", None) is not None:
        method = config.quantization_config
        method = method.get("quant_method") if isinstance(method, dict) else getattr(method, "quant_method", None)
        raise DataError(
            f"{kind}, quantised ({printable(getattr(method, 'value', method))}): such weights can be neither trained "
            "nor scored; give the model in float32 or bfloat16"
        )
    if getattr(config, "is_encoder_decoder", False):
        raise DataError(f"{kind}, an encoder with a decoder; give a causal language model")
    remote = "AutoModelForCausalLM" in (getattr(config, "auto_map", None) or {})
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING and not remote:
        raise DataError(f"{kind}, which is no causal language model; give one")


def require_whole(path: str, found: dict[str, Any]) -> None:
    """Raise DataError for weights that transformers made up; say which of the files' it did not take."""
    shown = printable(path)
    if found["mismatched_keys"]:
        name, theirs, own = min(found["mismatched_keys"])
        raise DataError(
            f"pretrained is {shown}, whose files have a {printable(name)} of {tuple(theirs)}, while config.json asks "
            f"for {tuple(own)}; give the config.json that belongs to these weights"
        )
    if missing := sorted(found["missing_keys"]):
        raise DataError(
            f"pretrained is {shown}, whose files lack {len(missing)} of the model's weights, {_listed(missing)}; they "
            "would start at random: give all of the files, or the config.json that belongs to them"
        )
    if unexpected := sorted(found["unexpected_keys"]):
        log.warning("%s has %d weights that the model does not: %s", shown, len(unexpected), _listed(unexpected))


def _listed(names: list[str]) -> str:
    return printable(", ".join(names[:3]) + (", …" if len(names) > 3 else ""))


@torch.no_grad()
def require_no_look_ahead(path: str, model: "PreTrainedModel") -> None:
    """Raise DataError where a token's logits depend on what follows it: bidirectional encoders, that is."""
    tokens = torch.arange(1, 5).remainder(model.config.get_text_config().vocab_size).repeat(2, 1)
    tokens[1, -1] = 0
    try:
        one, other = model.eval()(input_ids=tokens).logits[:, :-1].float()
    except Exception as error:
        raise DataError(f"pretrained is {printable(path)}, which reads no tokens: {first_line(error)}") from error
    if (one - other).norm() > 1e-3 * one.norm():
        raise DataError(
            f"pretrained is {printable(path)}, a {printable(model.config.model_type)} whose tokens see those after "
            "them; give a causal language model (is_decoder in its config.json)"
        )
