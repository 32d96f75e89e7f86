"""All engines keep the same promises."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from emlit.decoding import PRESETS, AdaptiveTemperature, LocallyTypical
from emlit.engines import (
    Completion,
    ModelSource,
    Request,
    Sampling,
    TransformersEngine,
    VLLMEngine,
    VLLMServerEngine,
    sample_beside,
    wait_for_round,
)  # fmt: skip
from emlit.errors import ConfigError, EngineError
from emlit.modules import CausalLM
from emlit.pretrained import load_model, stop_token_ids
from emlit.tiny import MODEL_DIR, problems
from tests.own_decoding import Typical


@pytest.fixture(scope="module", params=[TransformersEngine, VLLMEngine, VLLMServerEngine])
def engine(request, tokenizer):
    served = request.param is VLLMServerEngine
    made = request.param(**({"urls": [request.getfixturevalue("server").url]} if served else {}))
    made.start(ModelSource(str(MODEL_DIR), 256, stop_token_ids(str(MODEL_DIR), tokenizer)))
    if served:  # it has whatever another test gave it
        made.load_weights(load_model(str(MODEL_DIR)).state_dict().items(), 0)
    yield made
    made.close()


@pytest.fixture(scope="module")
def prompts(tokenizer):
    chats = [[{"role": "user", "content": row["prompt"]}] for row in problems("test", 12, difficulty="hard")]
    chats += [[{"role": "user", "content": row["prompt"]}] for row in problems("test", 12)]
    return [
        tokenizer(tokenizer.apply_chat_template(c, add_generation_prompt=True, tokenize=False))["input_ids"]
        for c in chats
    ]


def requests(prompts, first_seed: int = 0) -> list[Request]:
    return [Request(prompt, first_seed + i) for i, prompt in enumerate(prompts)]


def scored(prompts, completions: list[Completion], temperature: float = 1.0) -> list[list[float]]:
    """The model's own log-probabilities of what was sampled, one row at a time."""
    model = AutoModelForCausalLM.from_pretrained(MODEL_DIR).eval()
    rows = []
    with torch.no_grad():
        for prompt, completion in zip(prompts, completions, strict=True):
            logp = torch.log_softmax(model(torch.tensor([prompt + completion.tokens])).logits[0] / temperature, -1)
            start = len(prompt) - 1
            rows.append([logp[start + t, token].item() for t, token in enumerate(completion.tokens)])
    return rows


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_logprobs_are_those_of_the_sampled_distribution(engine, prompts, temperature):
    completions = engine.generate(requests(prompts), Sampling(temperature=temperature, max_tokens=40))
    for completion, expected in zip(completions, scored(prompts, completions, temperature), strict=True):
        assert completion.logprobs == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(max_tokens=40),
        Sampling(temperature=0, max_tokens=40),
        Sampling(temperature=0.7, top_p=0.8, min_p=0.05, max_tokens=40, decoding=PRESETS["paper"], stop=["boxed"]),
    ],
)
def test_what_the_model_made_of_a_token_is_known_where_it_was_drawn(engine, prompts, sampling):
    # More rows than are sampled together, of one prompt and of several; and what ended before others.
    many = [Request(prompt, 100 * i + sample) for i, prompt in enumerate(prompts) for sample in range(6)]
    completions = engine.generate(many, sampling)
    if isinstance(engine, VLLMServerEngine):  # it tells of what it drew from, and no more
        assert all(completion.stats is None for completion in completions)
        return
    assert engine.float32
    module = CausalLM(str(MODEL_DIR))
    module.configure_model()
    scored = module.score_completions([request.prompt for request in many], completions)
    for completion, expected in zip(completions, scored, strict=True):
        for found, value in zip(completion.stats, expected, strict=True):
            assert found.dtype == torch.float32
            torch.testing.assert_close(found, value, rtol=0, atol=1e-4)


def test_a_seed_decides_a_completion_whatever_else_is_in_the_batch(engine, prompts):
    sampling = Sampling(max_tokens=40)
    together = engine.generate(requests(prompts), sampling)
    assert [c.tokens for c in engine.generate(requests(prompts)[::-1], sampling)[::-1]] == [c.tokens for c in together]
    alone = [engine.generate([request], sampling)[0].tokens for request in requests(prompts)[:4]]
    assert alone == [c.tokens for c in together[:4]]
    assert [c.tokens for c in engine.generate(requests(prompts, 1000), sampling)] != [c.tokens for c in together]


def test_samples_of_a_prompt_are_those_that_each_would_be_alone(engine, prompts):
    # They share the prompt's cache; prompts of other lengths stand between them.
    sampling = Sampling(max_tokens=40)
    many = [Request(prompt, 100 * i + sample) for i, prompt in enumerate(prompts[:5]) for sample in range(4)]
    together = engine.generate(many, sampling)
    assert [c.tokens for c in together] == [engine.generate([request], sampling)[0].tokens for request in many]
    for completion, expected in zip(together, scored([r.prompt for r in many], together), strict=True):
        assert completion.logprobs == pytest.approx(expected, abs=1e-4)


def test_the_global_random_state_is_left_alone(engine, prompts):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    engine.generate(requests(prompts), Sampling(max_tokens=8))
    assert torch.equal(torch.rand(3), expected)


def test_samples_beside_training_are_those_in_turn(engine, prompts):
    if not (engine.samples_beside or engine.samples_elsewhere):
        pytest.skip("it samples by the weights that are trained")
    sampling, threads = Sampling(max_tokens=16), torch.get_num_threads()
    in_turn = engine.generate(requests(prompts), sampling)
    state = torch.get_rng_state()
    sample_beside(engine, requests(prompts), sampling)
    (torch.ones(64, 64, requires_grad=True) ** 2).sum().backward()
    assert [found.tokens for found in engine.pending.result()] == [found.tokens for found in in_turn]
    wait_for_round(engine)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_an_engine_that_is_closed_leaves_what_it_samples(prompts, tokenizer):
    engine = VLLMEngine()
    engine.start(ModelSource(str(MODEL_DIR), 256, stop_token_ids(str(MODEL_DIR), tokenizer)))
    pending = sample_beside(engine, requests(prompts * 40), Sampling(max_tokens=150))
    engine.close()
    assert isinstance(pending.wait(), EngineError)


def test_end_tokens_are_kept_and_cut_completions_are_marked(engine, prompts, tokenizer):
    whole = engine.generate(requests(prompts), Sampling(max_tokens=60))
    assert all(c.tokens[-1] == tokenizer.eos_token_id for c in whole if c.finish_reason == "stop")
    assert all(tokenizer.eos_token_id not in c.tokens[:-1] for c in whole)
    cut = engine.generate(requests(prompts), Sampling(max_tokens=3))
    assert {c.finish_reason for c in cut} == {"length"}
    assert all(len(c.tokens) == len(c.logprobs) == 3 for c in cut)


def test_greedy_takes_the_most_likely_token(engine, prompts):
    first, second = (
        engine.generate(requests(prompts, seed), Sampling(temperature=0, max_tokens=40)) for seed in (0, 9)
    )
    assert [c.tokens for c in first] == [c.tokens for c in second]
    model = AutoModelForCausalLM.from_pretrained(MODEL_DIR).eval()
    tokens = torch.tensor([prompts[0] + first[0].tokens])
    with torch.no_grad():
        best = model(tokens).logits[0].argmax(-1)
    assert best[len(prompts[0]) - 1 : -1].tolist() == first[0].tokens


def test_a_stop_string_that_begins_in_the_prompt_stops_nothing(engine, prompts, tokenizer):
    greedy = Sampling(temperature=0, max_tokens=12)
    plain = engine.generate(requests(prompts), greedy)
    stop = tokenizer.decode(prompts[0])[-1] + tokenizer.decode(plain[0].tokens[:1])
    assert all(stop not in tokenizer.decode(c.tokens) for c in plain)
    stopped = engine.generate(requests(prompts), Sampling(temperature=0, max_tokens=12, stop=[stop]))
    assert [(c.tokens, c.finish_reason) for c in stopped] == [(c.tokens, c.finish_reason) for c in plain]


def test_stop_strings(engine, prompts, tokenizer):
    stopped = engine.generate(requests(prompts), Sampling(temperature=0, max_tokens=60, stop=["boxed"]))
    assert all(c.finish_reason == "stop" for c in stopped)
    assert all("}" not in tokenizer.decode(c.tokens) for c in stopped)


@pytest.mark.parametrize(
    "decoding", [PRESETS["released"], PRESETS["paper"], AdaptiveTemperature(), LocallyTypical(), Typical(0.8)]
)
def test_a_decoding_changes_the_distribution_row_by_row(engine, prompts, decoding):
    plain = engine.generate(requests(prompts), Sampling(max_tokens=1))
    changed = engine.generate(requests(prompts), Sampling(max_tokens=1, decoding=decoding))
    model = AutoModelForCausalLM.from_pretrained(MODEL_DIR).eval()
    for prompt, completion in zip(prompts, changed, strict=True):
        with torch.no_grad():
            logits = model(torch.tensor([prompt])).logits[:, -1]
        logp = torch.log_softmax(decoding(logits), -1)
        assert completion.logprobs[0] == pytest.approx(logp[0, completion.tokens[0]].item(), abs=1e-3)
    assert [c.logprobs for c in changed] != [c.logprobs for c in plain]


def test_new_weights_are_used_at_once(engine, prompts):
    # Prompts that share more than one block of 128 tokens: cached ones of the old weights must not be reused.
    model = AutoModelForCausalLM.from_pretrained(MODEL_DIR)
    long = [prompts[0] * 8 + prompt for prompt in prompts[:4]]
    engine.generate(requests(long), Sampling(max_tokens=4))
    try:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 + 0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
        engine.load_weights(model.state_dict().items(), version=5)
        assert engine.weights_version == 5
        completions = engine.generate(requests(long), Sampling(max_tokens=4))
        with torch.no_grad():
            for prompt, completion in zip(long, completions, strict=True):
                logp = torch.log_softmax(model.eval()(torch.tensor([prompt + completion.tokens])).logits[0], -1)
                expected = [logp[len(prompt) - 1 + t, token].item() for t, token in enumerate(completion.tokens)]
                assert completion.logprobs == pytest.approx(expected, abs=1e-4)
    finally:
        engine.load_weights(AutoModelForCausalLM.from_pretrained(MODEL_DIR).state_dict().items(), version=0)


def test_filters(engine, prompts):
    greedy = engine.generate(requests(prompts), Sampling(temperature=0, max_tokens=20))
    for filtered in (
        Sampling(top_k=1, max_tokens=20),
        Sampling(top_p=1e-6, max_tokens=20),
        Sampling(min_p=1.0, max_tokens=20),
    ):
        assert [c.tokens for c in engine.generate(requests(prompts), filtered)] == [c.tokens for c in greedy]


def test_progress_is_reported(engine, prompts):
    done = {}
    completions = engine.generate(requests(prompts), Sampling(max_tokens=2), done.__setitem__)
    assert [done[place] for place in range(len(prompts))] == completions


def test_weights_of_another_model():
    engine = TransformersEngine()
    engine.start(ModelSource(str(MODEL_DIR), 256, (1,)))
    with pytest.raises(EngineError, match=r"no weight called model\.strange"):
        engine.load_weights([("model.strange", torch.zeros(1))], version=1)


def test_speculative_decoding_on_v1_gets_a_sentence(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    draft = {"method": "ngram", "num_speculative_tokens": 2, "prompt_lookup_max": 2}
    with pytest.raises(ConfigError, match="leave speculative_config out"):
        VLLMEngine(options={"speculative_config": draft})


@pytest.mark.parametrize("name", ["mamba", "lfm2", "recurrent_gemma"])
def test_models_with_other_state_than_attentions_are_sampled_too(name):
    from transformers import AutoConfig

    small = {
        "vocab_size": 30,
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    more = {"lfm2": {"num_key_value_heads": 2, "layer_types": ["conv", "full_attention", "conv"]}}.get(name, {})
    torch.manual_seed(0)
    engine = TransformersEngine()
    engine.model = AutoModelForCausalLM.from_config(AutoConfig.for_model(name, **small, **more)).eval()
    engine.source = ModelSource("none", 64, (1, 2, 3, 4, 5, 6))
    wanted = [Request([7, 8, 9], seed) for seed in range(6)]
    completions = engine.generate(wanted, Sampling(max_tokens=20))
    assert len({len(completion.tokens) for completion in completions}) > 1  # some end before others
    alone = [engine.generate([request], Sampling(max_tokens=20))[0].tokens for request in wanted]
    assert [completion.tokens for completion in completions] == alone
