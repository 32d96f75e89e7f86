"""EM-INF in vLLM's own OpenAI server: a process on loopback, asked by the OpenAI client."""

import contextlib

import pytest
import torch
from transformers import AutoModelForCausalLM

from emlit.decoding import AdaptiveTemperature, EntropyMinimization
from emlit.tiny import MODEL_DIR, problems
from tests.servers import StockServer, running

pytest.importorskip("vllm")
openai = pytest.importorskip("openai")

PROCESSOR = "emlit.decoding.vllm:EntropyDecoding"


@contextlib.contextmanager
def serve(log, *arguments: str):
    """An OpenAI client of a server that lives as long as this context."""
    server = StockServer(
        log, str(MODEL_DIR), PROCESSOR, "--kv-cache-memory-bytes", str(64 << 20), "--logprobs-mode",
        "processed_logprobs", "--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096", *arguments,
        TORCHDYNAMO_DISABLE="1",
    )  # fmt: skip
    with running(server):
        yield openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("server") / "log.txt") as connected:
        yield connected


@pytest.fixture(scope="module")
def prompts(tokenizer):
    rows = problems("test", 8, difficulty="hard") + problems("test", 8)
    chats = [[{"role": "user", "content": row["prompt"]}] for row in rows]
    return [tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) for chat in chats]


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(MODEL_DIR).eval()


def complete(client, prompt, xargs=None, **options):
    settings = {"max_tokens": 24, "temperature": 1.0, "seed": 1, "logprobs": 0, **options}
    return client.completions.create(model="tiny", prompt=prompt, extra_body={"vllm_xargs": xargs or {}}, **settings)


def logprobs_of(model, tokenizer, prompt, choice, decoding, temperature=1.0):
    """log p of a choice's tokens, from the model's raw logits: first the decoding, then the temperature."""
    start = tokenizer(prompt)["input_ids"]
    tokens = tokenizer(prompt + choice.text)["input_ids"][len(start) :]
    with torch.no_grad():
        logits = model(torch.tensor([start + tokens])).logits[0, len(start) - 1 : -1]
    if decoding is not None:
        logits = decoding(logits)
    return torch.log_softmax(logits / temperature, -1).gather(1, torch.tensor(tokens).unsqueeze(1)).squeeze(1).tolist()


EM = EntropyMinimization(threshold=0.01, steps=10)
EM_KEYS = {"em_inf": 1, "em_inf_threshold": 0.01, "em_inf_steps": 10}
COOL_KEYS = {"adaptive_temperature": 1, "adaptive_temperature_ratio": 0.4}
ASKED = [
    ({}, None),
    (EM_KEYS, EM),
    ({"em_inf": 1}, EntropyMinimization()),
    (COOL_KEYS, AdaptiveTemperature(ratio=0.4)),
]


@pytest.mark.parametrize(("xargs", "decoding"), ASKED)
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_tokens_come_from_the_decoded_distribution(client, model, tokenizer, prompts, xargs, decoding, temperature):
    for prompt in prompts[:4]:
        choice = complete(client, prompt, xargs, temperature=temperature).choices[0]
        expected = logprobs_of(model, tokenizer, prompt, choice, decoding, temperature)
        # The end token has no text, so the server reports one more than can be told from it.
        assert choice.logprobs.token_logprobs[: len(expected)] == pytest.approx(expected, abs=2e-3)


def test_a_batch_mixes_requests_freely(client, prompts):
    from concurrent.futures import ThreadPoolExecutor

    asked = [(prompt, ASKED[i % 4][0]) for i, prompt in enumerate(prompts)]
    alone = [complete(client, prompt, xargs).choices[0] for prompt, xargs in asked]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda pair: complete(client, *pair).choices[0], asked))
    for one, other in zip(alone, together, strict=True):
        assert one.text == other.text
        assert one.logprobs.token_logprobs == pytest.approx(other.logprobs.token_logprobs, abs=2e-3)
    plain = [complete(client, prompt).choices[0].logprobs.token_logprobs for prompt in prompts]
    assert [c.logprobs.token_logprobs for c in alone[::4]] == [pytest.approx(p, abs=1e-3) for p in plain[::4]]
    assert [c.logprobs.token_logprobs for c in alone[1::4]] != [pytest.approx(p, abs=1e-3) for p in plain[1::4]]


def test_several_samples_and_seeds(client, prompts):
    first = complete(client, prompts[0], EM_KEYS, n=8)
    again = complete(client, prompts[0], EM_KEYS, n=8)
    assert [c.text for c in first.choices] == [c.text for c in again.choices]
    assert len({c.text for c in first.choices}) > 1
    other = complete(client, prompts[0], EM_KEYS, n=8, seed=2)
    assert [c.text for c in other.choices] != [c.text for c in first.choices]


def test_top_p_and_stop_strings(client, prompts):
    free = complete(client, prompts[0], EM_KEYS, n=4).choices
    narrow = complete(client, prompts[0], EM_KEYS, top_p=1e-6, n=4).choices
    assert len({choice.text for choice in narrow}) == 1 < len({choice.text for choice in free})
    assert narrow[0].logprobs.token_logprobs == pytest.approx([0.0] * len(narrow[0].logprobs.token_logprobs), abs=1e-6)
    whole = complete(client, prompts[0], EM_KEYS, top_p=0.9).choices[0]
    stop = whole.text[3]
    cut = complete(client, prompts[0], EM_KEYS, top_p=0.9, stop=[stop]).choices[0]
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.finish_reason == "stop"


def test_streaming_is_the_same_text(client, prompts):
    whole = complete(client, prompts[1], EM_KEYS).choices[0].text
    stream = complete(client, prompts[1], EM_KEYS, stream=True)
    assert "".join(part.choices[0].text for part in stream) == whole


def test_chat(client, prompts):
    row = problems("test", 1)[0]
    answer = client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": row["prompt"]}], max_tokens=24, seed=1,
        extra_body={"vllm_xargs": EM_KEYS},
    )  # fmt: skip
    assert answer.choices[0].message.content


def test_greedy_is_greedy(client, prompts):
    plain = complete(client, prompts[2], temperature=0.0).choices[0].text
    assert complete(client, prompts[2], EM_KEYS, temperature=0.0).choices[0].text == plain


@pytest.mark.parametrize(
    ("xargs", "sentence"),
    [
        ({"em_inf": 1, "em_inf_step": 3}, "em_inf_step is no parameter of emlit"),
        ({"em_inf_steps": 0}, "steps is 0; it must be at least 1"),
        ({"em_inf_threshold": "low"}, "em_inf_threshold is 'low'; it must be a number"),
        ({"em_inf": 1, "adaptive_temperature": 1}, "a request takes one of them"),
    ],
)
def test_wrong_parameters_get_http_400_and_a_sentence(client, prompts, xargs, sentence):
    with pytest.raises(openai.BadRequestError, match=sentence):
        complete(client, prompts[0], xargs)
    assert complete(client, prompts[0]).choices[0].text  # and the server goes on


@pytest.mark.nightly
def test_a_server_wide_default(tmp_path, model, tokenizer, prompts):
    config = '{"emlit": {"em_inf": 1, "em_inf_threshold": 0.01, "em_inf_steps": 10}}'
    with serve(tmp_path / "log.txt", "--additional-config", config) as client:
        for xargs, decoding in [({}, EM), ({"em_inf": 0}, None), (COOL_KEYS, AdaptiveTemperature(ratio=0.4))]:
            choice = complete(client, prompts[0], xargs).choices[0]
            expected = logprobs_of(model, tokenizer, prompts[0], choice, decoding)
            assert choice.logprobs.token_logprobs[: len(expected)] == pytest.approx(expected, abs=2e-3)
