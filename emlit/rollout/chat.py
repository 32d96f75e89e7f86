"""Conversations become token ids, by the model's chat template or as text."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateSyntaxError

from emlit.errors import ConfigError, DataError
from emlit.printable import printable
from emlit.records import Message
from emlit.rollout.template_variants import VARIANTS, shows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

_OURS = ("messages", "tokenize", "add_generation_prompt", "continue_final_message")  # no arguments of a template's own


class Chat:
    """How conversations become token ids for one model.

    Args:
        tokenizer: the model's
        chat_template_kwargs: variables of its chat template, such as enable_thinking
        few_shot: solved examples, each with `prompt` and `answer`, which every conversation begins with
        plain_template: a user's turn where there is no chat template; {prompt} in it is what the user says
        vocabulary: how many token ids the model has embeddings for; not checked unless set

    Raises:
        ConfigError: an argument that the chat template does not read, or a value of another form
    """

    def __init__(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        chat_template_kwargs: Mapping[str, Any] | None = None,
        few_shot: Sequence[Mapping[str, str]] | None = None,
        plain_template: str | None = None,
        vocabulary: int | None = None,
    ) -> None:
        self.tokenizer, self.vocabulary = tokenizer, vocabulary
        self.arguments = dict(chat_template_kwargs or {})
        self.plain_template = plain_template
        self.examples: list[Message] = []
        self._said: set[str] = set()
        for number, example in enumerate(few_shot or ()):
            if not isinstance(example, Mapping) or {*example} != {"prompt", "answer"}:
                raise ConfigError(f"data.few_shot: example {number} must have prompt and answer, and nothing else")
            turns = zip(("user", "assistant"), (example["prompt"], example["answer"]), strict=True)
            self.examples += [{"role": role, "content": str(content)} for role, content in turns]
        if isinstance(tokenizer.chat_template, dict) and "default" not in tokenizer.chat_template:
            names = ", ".join(map(printable, tokenizer.chat_template))
            raise ConfigError(
                f"{printable(tokenizer.name_or_path)} has several chat templates ({names}), none of which is the "
                "default; name the one to use `default` there"
            )
        if plain_template is not None and "{prompt}" not in plain_template:
            raise ConfigError(
                f"data.plain_template is {plain_template!r}; it must have {{prompt}} where the prompt goes"
            )
        if unread := [name for name in self.arguments if not self._reads(name)]:
            raise ConfigError(
                f"data.chat_template_kwargs has {unread[0]}, which the model's chat template does not read; remove it"
                if tokenizer.chat_template
                else f"data.chat_template_kwargs has {unread[0]}, but the model has no chat template; leave it out"
            )

    def encode(self, messages: Sequence[Message], arguments: Mapping[str, Any] | None = None) -> list[int]:
        """A conversation as token ids, ready to be answered; one that ends in an assistant's turn is gone on with.

        Args:
            messages: role and content, and what else the chat template reads
            arguments: what it is given beside them: tools, and arguments of its own

        Raises:
            DataError: the chat template refuses it or leaves some of it out, or the model lacks a token of it
        """
        if any(message["role"] == "developer" for message in messages) and not self._reads("developer"):
            self._say("the model's chat template does not know the developer, whose turns become the system's")
            messages = [{**m, "role": "system"} if m["role"] == "developer" else m for m in messages]
        start = next((n for n, m in enumerate(messages) if m["role"] not in ("system", "developer")), len(messages))
        whole = [*messages[:start], *self.examples, *messages[start:]]
        tokens = (self._templated if self.tokenizer.chat_template else self._plain)(whole, dict(arguments or {}))
        self.require_embeddings(tokens)
        return tokens

    def require_embeddings(self, tokens: Sequence[int]) -> None:
        """Raise DataError for a token id that the model has no embedding for."""
        if self.vocabulary is not None and (other := max(tokens, default=0)) >= self.vocabulary:
            text = printable(self.tokenizer.convert_ids_to_tokens(other))
            raise DataError(
                f"it has token {other} ({text!r}), and the model has embeddings for {self.vocabulary} tokens: call "
                "resize_token_embeddings on the model and save it, or leave the token out"
            )

    def _templated(self, messages: list[Message], arguments: dict[str, Any]) -> list[int]:
        last = messages[-1]
        if last["role"] == "assistant" and "tool_calls" in last:
            raise DataError("the prompt ends in a tool call; give the tool's answer too, or leave the row out")
        begun = last["role"] == "assistant" and bool(last["content"].strip())
        if last["role"] == "assistant" and not begun and len(messages) > 1:
            messages = messages[:-1]
        if unread := [name for name in arguments if name not in ("tools", *self.arguments) and not self._reads(name)]:
            raise DataError(f"the model's chat template does not read {unread[0]!r} of chat_template_kwargs; remove it")
        text = self._rendered(messages, {**self.arguments, **arguments}, begun)
        tokens = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        end = self.tokenizer.eos_token_id
        if not begun and end is not None and text.rstrip().endswith(self.tokenizer.eos_token):
            self._say(
                "the model's chat template has no generation prompt: prompts end in the end token of the user's turn"
            )
        elif tokens and tokens[-1] == end:  # of a tokenizer that closes every text
            tokens = tokens[:-1]
        return tokens

    def _rendered(self, messages: list[Message], arguments: dict[str, Any], begun: bool) -> str:
        problem = ""
        for name, change in VARIANTS.items():
            changed = change(messages)
            if name and changed == messages:
                continue
            try:
                text = self._apply(changed, arguments, begun)
            except TemplateSyntaxError as error:
                place = printable(self.tokenizer.name_or_path)
                raise ConfigError(
                    f"line {error.lineno} of the chat template in {place} is no Jinja: {printable(error.message)}; "
                    "correct it there, in chat_template.jinja or tokenizer_config.json"
                ) from error
            except Exception as error:
                reason = printable(" ".join(str(error).partition("Final message to continue")[0].split()), 300)
                problem = problem or f"the model's chat template refuses it: {reason or type(error).__name__}"
                continue
            hidden = next((message for message in changed if not shows(text, message)), None)
            if hidden is None:
                if name:
                    self._say(f"the model's chat template does not take conversations as they are: {name}")
                self._require_read(text, changed, arguments, begun)
                return text
            problem = problem or f"the model's chat template leaves out what the {printable(hidden['role'], 30)} says"
        raise DataError(f"{problem}; change the row, set another system_prompt, or choose another model")

    def _apply(self, messages: Sequence[Message], arguments: Mapping[str, Any], begun: bool) -> str:
        return self.tokenizer.apply_chat_template(  # type: ignore[return-value]
            list(messages), tokenize=False, add_generation_prompt=not begun, continue_final_message=begun, **arguments
        )

    def _require_read(self, text: str, messages: list[Message], arguments: dict[str, Any], begun: bool) -> None:
        """Raise DataError for what the template was given and drops without a word: its text is the same without it."""
        tried = [
            (f"{key!r} of message {n + 1}", [*messages[:n], _without(message, key), *messages[n + 1 :]], arguments)
            for n, message in enumerate(messages)
            for key in message
            if key not in ("role", "content")
        ]
        if "tools" in arguments:
            tried.append(("'tools'", messages, _without(arguments, "tools")))
        for what, fewer_messages, fewer_arguments in tried:
            try:
                same = self._apply(fewer_messages, fewer_arguments, begun) == text
            except Exception:
                same = False  # it cannot do without
            if same:
                raise DataError(f"the model's chat template does not read {what}; remove it, or choose another model")

    def _plain(self, messages: list[Message], arguments: dict[str, Any]) -> list[int]:
        extra = [key for message in messages for key in message if key not in ("role", "content")]
        if extra or arguments:
            raise DataError(f"the model has no chat template to read {[*extra, *arguments][0]!r}; remove it")
        template = self.plain_template or "{prompt}"
        if self.plain_template is None:
            self._say(
                "the model has no chat template and gets the bare text of each prompt: a base model answers better "
                "with solved examples (data.few_shot) or a form (data.plain_template 'Problem: {prompt}\\nAnswer:')"
            )
        text = ""
        for before, message in zip([None, *messages], messages, strict=False):
            content = message["content"]
            if message["role"] == "assistant" and before is not None and self.plain_template is not None:
                text += content if text[-1:].isspace() else f" {content}"
                continue
            joint = "\n\n" if before is not None else ""
            text += joint + (template.replace("{prompt}", content) if message["role"] == "user" else content)
        return self._open_ended(text)

    def _open_ended(self, text: str) -> list[int]:
        """A text's token ids with those that the tokenizer puts before it, and without those it puts behind."""
        bare = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        whole = self.tokenizer(text)["input_ids"]
        before = next((n for n in range(len(whole) - len(bare) + 1) if whole[n : n + len(bare)] == bare), 0)
        begins = self.tokenizer.bos_token_id
        if before == 1 and bare[:1] == whole[:1] == [begins]:  # the text brings its own
            return bare
        return whole[: before + len(bare)]

    def _reads(self, name: str) -> bool:
        template = self.tokenizer.chat_template or ""
        texts = template.values() if isinstance(template, dict) else [template]
        return name not in _OURS and any(re.search(rf"\b{re.escape(name)}\b", text) for text in texts)

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            log.warning("%s", sentence)


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}
