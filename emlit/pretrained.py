"""From a name to a model, a tokenizer and the tokens that end a completion."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from emlit.errors import ConfigError, DataError, first_line
from emlit.tiny import MODEL_DIR

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

log = logging.getLogger(__name__)


def resolve(pretrained: str) -> str:
    """What transformers and vLLM call it: "tiny" is the embedded reasoner, else a directory or a Hugging Face id.

    Raises:
        ConfigError: a directory that is not there, or holds no config.json
    """
    if pretrained == "tiny":
        return str(MODEL_DIR)
    path = Path(pretrained).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ConfigError(f"pretrained is {pretrained}, a directory without a config.json; give an exported model")
        return str(path)
    # A hub id is "name" or "owner/name"; anything else can only have meant a directory.
    if pretrained.startswith(("/", ".", "~")) or pretrained.count("/") > 1:
        raise ConfigError(f"pretrained is {pretrained}, and there is no such directory")
    return pretrained


def load_config(path: str) -> Any:
    """The model's configuration, without its weights."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise DataError(f"pretrained is {path}, which could not be loaded: {first_line(error)}") from error


def load_model(path: str, dtype: torch.dtype = torch.float32) -> "PreTrainedModel":
    """The causal language model, ready to train. Under `torch.device("meta")` its weights are left out.

    Dropout is turned off: the trainer scores the distribution that the sampler drew from, and that one has none.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # of copying tensors; downloads have their own
    config = load_config(path)
    for name, value in config.to_dict().items():
        if ("dropout" in name or "pdrop" in name) and isinstance(value, float):
            setattr(config, name, 0.0)
    if torch.get_default_device().type == "meta":
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    else:
        try:
            model = AutoModelForCausalLM.from_pretrained(path, config=config, dtype=dtype)
        except (OSError, ValueError) as error:
            raise DataError(f"pretrained is {path}, which could not be loaded: {first_line(error)}") from error
    # from_pretrained returns it in eval mode, Lightning keeps that, and gradient checkpointing is then silently off.
    return model.train()


def skeleton(path: str) -> "PreTrainedModel":
    """The model on the meta device: its layers and their names, and no weights. A second even for billions of them."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(load_config(path))


def load_tokenizer(path: str) -> "PreTrainedTokenizerBase":
    """The tokenizer, with a pad token: padding is told from text by position, so the end token serves where none is.

    Raises:
        DataError: it cannot be loaded, or has neither a pad nor an end token
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
    except (OSError, ValueError) as error:
        raise DataError(f"the tokenizer of {path} could not be loaded: {first_line(error)}") from error
    # Lengths are checked where they matter, with a sentence of their own.
    tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise DataError(f"the tokenizer of {path} has neither pad_token nor eos_token; set one in its config")
        log.info("the tokenizer of %s has no pad_token; padding with %s", path, tokenizer.eos_token)
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def stop_token_ids(path: str, tokenizer: "PreTrainedTokenizerBase") -> tuple[int, ...]:
    """Every token that ends a completion: the tokenizer's, the config's and the generation config's."""
    from transformers import GenerationConfig

    found = [tokenizer.eos_token_id, load_config(path).eos_token_id]
    try:
        found.append(GenerationConfig.from_pretrained(path).eos_token_id)
    except OSError:
        log.debug("%s has no generation config", path)
    ids: list[int] = []
    for value in found:
        ids.extend(value if isinstance(value, list | tuple) else [value] if value is not None else [])
    if not ids:
        raise DataError(f"{path} names no end-of-sequence token; set eos_token in its tokenizer config")
    return tuple(dict.fromkeys(ids))


def context_length(path: str) -> int:
    """The most tokens that the model's positions allow."""
    return int(load_config(path).get_text_config().max_position_embeddings)
