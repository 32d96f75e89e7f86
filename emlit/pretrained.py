"""From a name to a model, a tokenizer and the tokens that end a completion."""

import inspect
import logging
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from emlit import gguf, hub, model_files
from emlit.errors import ConfigError, DataError, EmlitError, first_line
from emlit.model_checks import require_causal, require_no_look_ahead, require_whole
from emlit.printable import printable
from emlit.tiny import MODEL_DIR

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

log = logging.getLogger(__name__)


def resolve(pretrained: str) -> str:
    """What transformers and vLLM call it: "tiny" is the embedded reasoner, else a directory or a Hugging Face id.

    A GGUF file, of a disk or of the hub, is the directory of its dequantised weights.

    Raises:
        ConfigError: a directory that is not there, or holds no config.json
        DataError: a directory that holds an adapter or a GGUF file alone, or a GGUF file that cannot be read
    """
    if not isinstance(pretrained, str):
        raise ConfigError(
            f"pretrained is {printable(pretrained)}; name a model by its directory or hub id, or give tiny"
        )
    if pretrained == "tiny":
        return str(MODEL_DIR)
    if gguf.is_gguf(pretrained):
        return str(gguf.as_directory(gguf.find(pretrained)))
    path, shown = Path(os.path.expanduser(pretrained)), printable(pretrained)
    if path.is_dir():
        if not (path / "config.json").is_file():
            model_files.check_links(path)
            model_files.check_no_model(path)
            raise ConfigError(f"pretrained is {shown}, a directory without a config.json; give an exported model")
        return str(path)
    if path.is_file():
        raise ConfigError(f"pretrained is {shown}, a file; give the directory of a model, with its config.json")
    # A hub id is "name" or "owner/name"; anything else can only have meant a directory.
    if pretrained.startswith(("/", ".", "~")) or pretrained.count("/") > 1:
        raise ConfigError(f"pretrained is {shown}, and there is no such directory")
    hub.configure()
    return pretrained


def check_weights(path: str) -> None:
    """Read a model's weights once, before an engine starts from them; every process must call it.

    What of a hub id is not in the cache yet is left to the engine, which looks at its logits.

    Raises:
        DataError: a file that is a placeholder, cut short or missing, or a weight that is nan or infinite
    """
    if Path(path).is_dir():
        model_files.check_files(Path(path))
        model_files.check_finite(Path(path))
    elif (cached := hub.directory(path)) is not None:
        model_files.check_finite(cached)


def load_config(path: str, trust_remote_code: bool = False) -> Any:
    """The model's configuration, without its weights."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code)
    except Exception as error:
        raise _unloadable(f"pretrained is {printable(path)}, which", error, trust_remote_code) from error


def load_model(
    path: str, dtype: torch.dtype | str = torch.float32, trust_remote_code: bool = False
) -> "PreTrainedModel":
    """The causal language model, ready to train. Under `torch.device("meta")` its weights are left out.

    Dropout is turned off: the trainer scores the distribution that the sampler drew from, and that one has none.

    Args:
        path: of `resolve`
        dtype: of its weights; "auto" is that of the files
        trust_remote_code: run code that lies beside the weights

    Raises:
        DataError: it cannot be loaded, is no causal language model, or its files lack some of its weights
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # of copying tensors; downloads have their own
    config = load_config(path, trust_remote_code)
    for name, value in config.to_dict().items():
        if ("dropout" in name or "pdrop" in name) and isinstance(value, float):
            setattr(config, name, 0.0)
    options: dict[str, Any] = {"dtype": dtype, "trust_remote_code": trust_remote_code}
    if torch.get_default_device().type == "meta":
        return _from_config(path, config, **options).train()
    require_causal(path, config)
    if Path(path).is_dir():
        model_files.check_files(Path(path))
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # its table of what is missing is a sentence here
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            path, config=config, output_loading_info=True, ignore_mismatched_sizes=True, **options
        )
        model, found = loaded
    except Exception as error:
        raise _unloadable(f"pretrained is {printable(path)}, which", error, trust_remote_code) from error
    finally:
        transformers_logging.set_verbosity(verbosity)
    require_whole(path, found)
    encodes = getattr(config, "is_decoder", True) is False  # or has no cache that would go wrong
    if encodes or "past_key_values" not in inspect.signature(model.forward).parameters:
        require_no_look_ahead(path, model)
    # from_pretrained returns it in eval mode, Lightning keeps that, and gradient checkpointing is then silently off.
    return model.train()


def skeleton(path: str, trust_remote_code: bool = False) -> "PreTrainedModel":
    """The model on the meta device: its layers and their names, and no weights. A second even for billions of them."""
    with torch.device("meta"):
        return _from_config(path, load_config(path, trust_remote_code), trust_remote_code=trust_remote_code)


def _from_config(path: str, config: Any, trust_remote_code: bool, **options: Any) -> "PreTrainedModel":
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_config(config, trust_remote_code=trust_remote_code, **options)
    except Exception as error:
        raise _unloadable(f"pretrained is {printable(path)}, which", error, trust_remote_code) from error


_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "vocab.txt")


def load_tokenizer(path: str, trust_remote_code: bool = False) -> "PreTrainedTokenizerBase":
    """The tokenizer, with a pad token: padding is told from text by position, so the end token serves where none is.

    Raises:
        DataError: it cannot be loaded, or has neither a pad nor an end token
    """
    from transformers import AutoTokenizer

    if Path(path).is_dir():
        model_files.check_files(Path(path))
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=trust_remote_code)
    except Exception as error:
        if Path(path).is_dir() and not any((Path(path) / name).exists() for name in _TOKENIZER_FILES):
            raise DataError(
                f"{printable(path)} has no tokenizer ({', '.join(_TOKENIZER_FILES)}); copy the files of the model that "
                "it was made from"
            ) from error
        raise _unloadable(f"the tokenizer of {printable(path)}", error, trust_remote_code) from error
    if set(tokenizer("The answer is 12.", add_special_tokens=False)["input_ids"]) <= set(tokenizer.all_special_ids):
        raise DataError(
            f"the tokenizer of {printable(path)} reads no text: its vocabulary is missing (tokenizer.json, "
            "tokenizer.model or vocab.json); copy the files of the model that it was made from"
        )
    if not isinstance(tokenizer.model_max_length, int | float):
        raise DataError(f"the tokenizer_config.json of {printable(path)} has a model_max_length that is no number")
    # Lengths are checked where they matter, with a sentence of their own.
    tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
    embedded = _embedded(path, trust_remote_code)
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id >= embedded:
        if tokenizer.eos_token_id is None or tokenizer.eos_token_id >= embedded:
            raise DataError(
                f"the tokenizer of {path} has neither pad_token nor eos_token that the model embeds; set one"
            )
        log.info(
            "the tokenizer of %s has no pad_token that the model embeds; padding with %s", path, tokenizer.eos_token
        )
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _embedded(path: str, trust_remote_code: bool) -> float:
    """How many tokens a model embeds, as its config.json says; infinitely many where there is none to ask."""
    if Path(path).is_dir() and not (Path(path) / "config.json").is_file():
        return math.inf
    return getattr(load_config(path, trust_remote_code).get_text_config(), "vocab_size", None) or math.inf


def generation_config(path: str) -> "GenerationConfig | None":
    """The model's; None where there is none.

    Raises:
        DataError: it cannot be read, or its end tokens are no token ids
    """
    from transformers import GenerationConfig

    try:
        found = GenerationConfig.from_pretrained(path)
        ids = found.eos_token_id if isinstance(found.eos_token_id, list) else [found.eos_token_id]
        if not all(each is None or type(each) is int for each in ids):
            raise ValueError(f"eos_token_id is {found.eos_token_id!r}")
        return found
    except Exception as error:
        if isinstance(error, OSError) and not (Path(path) / "generation_config.json").is_file():
            return None
        raise DataError(f"{printable(path)} has a generation_config.json that is none: {first_line(error)}") from error


def stop_token_ids(path: str, tokenizer: "PreTrainedTokenizerBase", trust_remote_code: bool = False) -> tuple[int, ...]:
    """Every token that ends a completion: the tokenizer's, the config's and the generation config's."""
    config = load_config(path, trust_remote_code)
    found = [tokenizer.eos_token_id]
    found += [getattr(each, "eos_token_id", None) for each in (config, config.get_text_config())]
    found.append(getattr(generation_config(path), "eos_token_id", None))
    ids: list[int] = []
    for value in found:
        ids.extend(value if isinstance(value, list | tuple) else [value] if value is not None else [])
    if not ids:
        raise DataError(f"{path} names no end-of-sequence token; set eos_token in its tokenizer config")
    embedded = _embedded(path, trust_remote_code)
    known = [each for each in ids if each < embedded]
    lacking = ", ".join(f"{each} ({tokenizer.convert_ids_to_tokens(each)!r})" for each in ids if each >= embedded)
    if not known:
        raise DataError(
            f"the end tokens of {printable(path)} ({printable(lacking)}) have no embedding: call "
            "resize_token_embeddings on the model and save it, or set another eos_token"
        )
    if lacking:
        log.warning("%s has no embedding for its end token %s, which nothing can end in", printable(path), lacking)
    return tuple(dict.fromkeys(known))


def _unloadable(what: str, error: Exception, trusted: bool) -> EmlitError:
    if not trusted and "trust_remote_code" in str(error):
        return ConfigError(
            f"{what} comes with code of its own, which loading would run: read that code, and then set "
            "--model.trust_remote_code true"
        )
    if (reason := hub.why_not(error)) is not None:
        return DataError(f"{what} could not be loaded: {reason}")
    return DataError(
        f"{what} could not be loaded: {first_line(error)}; correct the file that this is about, or download it again"
    )
