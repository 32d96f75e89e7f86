"""Chat templates with demands of their own, and models that have none."""

import logging
from copy import deepcopy

import pytest
from tokenizers.processors import TemplateProcessing

from emlit.errors import ConfigError, DataError
from emlit.rollout import Chat
from emlit.tasks import GSM8K, MATH500

USER = {"role": "user", "content": "1+1?"}
SYSTEM = {"role": "system", "content": "Think."}
CALL = {"id": "a", "type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
# What published templates demand, each cut to the demand.
GEMMA = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "<{{ 'model' if m.role == 'assistant' else m.role }}>{{ m.content | trim }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<model>{% endif %}"
)
SILENT = (
    "{% for m in messages %}{% if m.role in ('user', 'assistant') %}<{{ m.role }}>{{ m.content }}<end>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
PARTS = (
    "{% for m in messages %}<{{ m.role }}>{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}"
    "{% endif %}{% endfor %}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
FIRST_PART = PARTS.replace(
    "{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}", ""
).replace("{% endfor %}<end>", "{{ m.content[0]['text'] }}<end>")
CLOSED = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}"
THINKING = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
    "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
)
TOOLS = (
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}"
    "{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}"
    "{% if m.tool_call_id %}[{{ m.tool_call_id }}]{% endif %}{% endfor %}<assistant>"
)


@pytest.fixture
def chat_of(tokenizer):
    def make(template: str | None, **options) -> Chat:
        other = deepcopy(tokenizer)
        other.chat_template = template
        return Chat(other, **options)

    return make


def text_of(chat: Chat, *messages, **arguments) -> str:
    return chat.tokenizer.decode(chat.encode(messages, arguments))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (GEMMA, "<user>Think.\n\n1+1?<end><model>"),
        (SILENT, "<user>Think.\n\n1+1?<end><assistant>"),
        (PARTS, "<system>Think.<end><user>1+1?<end><assistant>"),
        (FIRST_PART, "<system>Think.<end><user>1+1?<end><assistant>"),
    ],
)
def test_a_system_prompt_that_a_template_does_not_take(chat_of, template, expected, caplog):
    chat = chat_of(template)
    for _ in range(2):
        assert text_of(chat, SYSTEM, USER) == expected
    assert len([r for r in caplog.records if "chat template" in r.message]) == 1  # said once
    assert text_of(chat, USER) == expected.replace("Think.\n\n", "").replace("<system>Think.<end>", "")


def test_turns_of_one_role_are_joined_where_they_must_alternate(chat_of):
    chat = chat_of(GEMMA)
    assert text_of(chat, USER, {"role": "user", "content": "2+2?"}) == "<user>1+1?\n\n2+2?<end><model>"
    several = text_of(chat, SYSTEM, USER, {"role": "assistant", "content": "2"}, SYSTEM, {**USER, "content": "Sure?"})
    assert several == "<user>Think.\n\n1+1?<end><model>2<end><user>Think.\n\nSure?<end><model>"


def test_a_role_that_a_template_leaves_out_is_refused(chat_of):
    with pytest.raises(DataError, match="leaves out what the narrator says.*another model"):
        chat_of(SILENT).encode([{"role": "narrator", "content": "Be brief."}, USER])
    with pytest.raises(DataError, match="refuses it: Conversation roles must alternate"):
        chat_of(GEMMA).encode([{"role": "assistant", "content": "Hi"}, USER])


DEVELOPER = {"role": "developer", "content": "Think."}


@pytest.mark.parametrize("template", [GEMMA, SILENT, PARTS, TOOLS, None])
def test_a_developer_speaks_as_the_system_where_the_template_does_not_know_one(chat_of, template):
    solved = [{"prompt": "2+2?", "answer": "4"}]
    for chat in (chat_of(template), chat_of(template, few_shot=solved)):
        assert text_of(chat, DEVELOPER, USER) == text_of(chat, SYSTEM, USER)
        assert text_of(chat, SYSTEM, {**DEVELOPER, "content": "Fast."}, USER).count("Fast.") == 1


def test_a_template_that_knows_the_developer_gets_its_turns(chat_of):
    chat = chat_of(
        SILENT.replace("'assistant')", "'assistant', 'developer')"), few_shot=[{"prompt": "2", "answer": "3"}]
    )
    assert text_of(chat, DEVELOPER, USER).startswith("<developer>Think.<end><user>2<end><assistant>3<end><user>1+1?")


@pytest.mark.parametrize("task", [GSM8K, MATH500])
def test_any_benchmark_takes_a_system_prompt_of_its_own_or_none(task):
    assert task(system_prompt=None).system_prompt is None
    assert task(system_prompt="Count.").system_prompt == "Count."
    assert "\\boxed" in task().system_prompt


def test_every_benchmark_has_a_system_prompt_argument():
    from emlit import tasks

    for cls in vars(tasks).values():
        if isinstance(cls, type) and issubclass(cls, tasks.Benchmark) and cls is not tasks.Benchmark:
            assert cls.__abstractmethods__ or cls(system_prompt="x").system_prompt == "x"


def test_a_prompt_that_ends_in_an_assistants_turn_is_gone_on_with(chat_of, tokenizer):
    begun = {"role": "assistant", "content": "Let me see. "}
    assert text_of(chat_of(SILENT), USER, begun) == "<user>1+1?<end><assistant>Let me see. "
    assert text_of(chat_of(GEMMA), SYSTEM, USER, begun) == "<user>Think.\n\n1+1?<end><model>Let me see."
    assert text_of(chat_of(None), USER, begun) == "1+1?\n\nLet me see. "
    own = Chat(tokenizer)
    assert text_of(own, USER, begun).endswith("<|im_start|>assistant\nLet me see. ")
    assert own.encode([USER, {"role": "assistant", "content": ""}]) == own.encode([USER])


def test_a_prompt_that_ends_in_a_tool_call_is_refused(chat_of):
    with pytest.raises(DataError, match="ends in a tool call"):
        chat_of(TOOLS).encode([USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}])


def test_tools_and_their_calls_reach_the_template_or_are_refused(chat_of):
    turns = [
        USER,
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "2", "tool_call_id": "a"},
    ]
    text = text_of(chat_of(TOOLS), *turns, tools=[{"name": "add"}])
    assert text.startswith('[{"name": "add"}]<user>1+1?<assistant>[{')
    assert text.endswith('"arguments": {"a": 1}}}]<tool>2[a]<assistant>')
    with pytest.raises(DataError, match="does not read 'tool_calls' of message 2"):
        chat_of(SILENT.replace("('user', 'assistant')", "('user', 'assistant', 'tool')")).encode(turns)
    with pytest.raises(DataError, match="does not read 'name' of message 1"):
        chat_of(TOOLS).encode([{**USER, "name": "Ada"}])
    with pytest.raises(DataError, match="does not read 'tools'"):
        chat_of(SILENT).encode([USER], {"tools": [{"name": "add"}]})
    with pytest.raises(DataError, match="no chat template to read 'tools'"):
        chat_of(None).encode([USER], {"tools": [{"name": "add"}]})


def test_arguments_of_the_chat_template(chat_of):
    assert text_of(chat_of(THINKING, chat_template_kwargs={"enable_thinking": False}), USER).endswith("<think></think>")
    assert text_of(chat_of(THINKING), USER).endswith("<assistant>")
    assert text_of(chat_of(THINKING), USER, enable_thinking=False).endswith("<think></think>")  # a row's own
    with pytest.raises(ConfigError, match=r"chat_template_kwargs has enable_thinking, which .* does not read"):
        chat_of(SILENT, chat_template_kwargs={"enable_thinking": False})
    with pytest.raises(ConfigError, match="the model has no chat template"):
        chat_of(None, chat_template_kwargs={"enable_thinking": False})
    for ours in ("add_generation_prompt", "messages"):
        with pytest.raises(ConfigError, match=f"has {ours}, which .* does not read; remove it"):
            chat_of(SILENT, chat_template_kwargs={ours: False})
    with pytest.raises(DataError, match="does not read 'enable_thinking'"):
        chat_of(SILENT).encode([USER], {"enable_thinking": False})


def _closing(tokenizer, single: str):
    tokenizer._tokenizer.post_processor = TemplateProcessing(
        single=single, special_tokens=[("<|im_end|>", 1), ("<|im_start|>", 2)]
    )


def test_a_tokenizer_that_closes_every_text(chat_of):
    chat = chat_of(None)
    bare = chat.encode([USER])
    _closing(chat.tokenizer, "<|im_start|> $A <|im_end|>")
    assert chat.tokenizer("1")["input_ids"][-1] == 1
    assert chat.encode([USER]) == [2, *bare]  # its begin stays, its end goes
    chat.tokenizer.bos_token = "<|im_start|>"
    assert chat.encode([{**USER, "content": "<|im_start|>1+1?"}]) == [2, *bare]  # and the begin is there once
    templated = chat_of(SILENT)
    bare = templated.encode([USER])
    _closing(templated.tokenizer, "<|im_start|> $A <|im_end|>")
    assert templated.encode([USER]) == bare


def test_a_template_without_a_generation_prompt_is_told(chat_of, caplog):
    assert text_of(chat_of(CLOSED), USER) == "<user>1+1?<|im_end|>"
    assert any("no generation prompt" in r.message for r in caplog.records)


def test_a_token_without_an_embedding(chat_of, tokenizer):
    chat = chat_of(SILENT, vocabulary=len(tokenizer))
    chat.tokenizer.add_tokens(["<step>"])
    assert chat.encode([USER])
    with pytest.raises(
        DataError, match=rf"token {len(tokenizer)} \('<step>'\).*{len(tokenizer)} tokens: .*resize_token"
    ):
        chat.encode([{"role": "user", "content": "a <step> b"}])


def test_a_model_without_a_chat_template(chat_of, caplog):
    assert text_of(chat_of(None), SYSTEM, USER) == "Think.\n\n1+1?"
    assert [r for r in caplog.records if "no chat template" in r.message and "data.few_shot" in r.message]
    caplog.clear()
    chat = chat_of(
        None, plain_template="Problem: {prompt}\nAnswer:", few_shot=[{"prompt": "0+1?", "answer": "So \\boxed{1}."}]
    )
    expected = "Think.\n\nProblem: 0+1?\nAnswer: So \\boxed{1}.\n\nProblem: 1+1?\nAnswer:"
    with caplog.at_level(logging.INFO):
        assert text_of(chat, SYSTEM, USER) == expected
    assert not caplog.records


def test_examples_are_turns_where_there_is_a_template(chat_of):
    chat = chat_of(GEMMA, few_shot=[{"prompt": "0+1?", "answer": "1"}])
    assert text_of(chat, SYSTEM, USER) == "<user>Think.\n\n0+1?<end><model>1<end><user>1+1?<end><model>"


def test_forms_of_few_shot_and_plain_template(chat_of):
    with pytest.raises(ConfigError, match="example 0 must have prompt and answer"):
        chat_of(None, few_shot=[{"question": "1+1?"}])
    with pytest.raises(ConfigError, match=r"plain_template is 'Answer:'.*\{prompt\}"):
        chat_of(None, plain_template="Answer:")


def test_reasoning_that_a_template_leaves_out_of_earlier_turns(chat_of):
    template = SILENT.replace("{{ m.content }}", "{{ m.content.split('</think>')[-1] }}")
    turns = [USER, {"role": "assistant", "content": "<think>hm</think>2"}, {"role": "user", "content": "Sure?"}]
    assert text_of(chat_of(template), *turns) == "<user>1+1?<end><assistant>2<end><user>Sure?<end><assistant>"
