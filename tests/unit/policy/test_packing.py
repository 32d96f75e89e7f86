"""Rows without their padding are scored, and trained on, as rows with it."""

import pytest
import torch
from transformers import (
    Gemma3Config,
    Gemma3ForCausalLM,
    Gemma3ForConditionalGeneration,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    SiglipVisionConfig,
)

from emlit.functional import TokenStats
from emlit.functional.reduction import flat_positions
from emlit.policy import packing, scoring
from emlit.policy.packing import Packed
from emlit.policy.scoring import Scorer

SMALL = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 50,
}  # fmt: skip
PACKED = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SMALL)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SMALL)),
    "gemma3": lambda: Gemma3ForCausalLM(Gemma3TextConfig(**SMALL, head_dim=8, sliding_window=64)),
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=50, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    ),
}
PADDED = {
    "eager attention": lambda: LlamaForCausalLM(LlamaConfig(**SMALL, attn_implementation="eager")),
    "a window that is too short": lambda: Gemma3ForCausalLM(Gemma3TextConfig(**SMALL, head_dim=8, sliding_window=8)),
    "a state": lambda: MambaForCausalLM(MambaConfig(hidden_size=32, num_hidden_layers=2, vocab_size=50, state_size=4)),
}
# Prompt and completion; one is not scored at all, and one ends its row.
ROWS = [(5, 20), (3, 2), (8, 0), (1, 9)]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.zeros(len(ROWS), 25, dtype=torch.long)
    scored = torch.zeros_like(tokens, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    for row, (prompt, length) in enumerate(ROWS):
        tokens[row, : prompt + length] = torch.randint(1, 50, (prompt + length,), generator=generator)
        scored[row, prompt : prompt + length] = True
    scored[0, 7] = False  # within a completion
    return tokens, scored


def outcome(model, packing: bool | None, calls: list[torch.Size]) -> tuple[TokenStats, list[torch.Tensor]]:
    """Stats of the scored tokens, and the gradient of something that needs all of them."""
    tokens, scored = batch()
    scorer = Scorer("torch")
    scorer.sharing, scorer.packing = False, packing
    scorer.stops_at_hidden_states(model)
    handle = model.base_model.register_forward_pre_hook(
        lambda module, args, kwargs: calls.append(kwargs["input_ids"].shape), with_kwargs=True
    )
    model.zero_grad()
    stats = scorer(model, tokens, scored, lambda found: found.stats(1.0))
    handle.remove()
    (stats.logprob * torch.arange(len(stats.logprob)) + stats.entropy**2).sum().backward()
    return TokenStats(*(value.detach() for value in stats)), [
        p.grad.clone() for p in model.parameters() if p.grad is not None
    ]


@pytest.fixture(autouse=True)
def whatever_it_saves(monkeypatch):
    monkeypatch.setattr(scoring, "_LEAST_SAVED", 1)
    monkeypatch.setattr(scoring, "_LEAST_WIDTH", 0)


@pytest.mark.parametrize("name", PACKED)
def test_packed_is_padded(name):
    torch.manual_seed(0)
    model = PACKED[name]().double()
    calls: list[torch.Size] = []
    expected = outcome(model, False, calls)
    found = outcome(model, None, calls)
    assert calls[0] == (4, 25)
    assert calls[-1] == (1, 24 + 4 + 9)  # nothing of the row without a scored token; no last token
    for one, other in zip([*found[0], *found[1]], [*expected[0], *expected[1]], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
    assert model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("name", PADDED)
def test_where_it_would_be_another_model_rows_stay_padded(name):
    torch.manual_seed(0)
    model = PADDED[name]()
    calls: list[torch.Size] = []
    outcome(model, None, calls)
    assert calls[-1] == (4, 25)


def test_encoders_keep_their_attention():
    implementations = {"": "sdpa", "text_config": "sdpa", "vision_config": "eager"}
    vision = SiglipVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, image_size=32, patch_size=8
    )
    config = Gemma3Config(
        text_config=Gemma3TextConfig(**SMALL, head_dim=8, sliding_window=64),
        vision_config=vision,
        mm_tokens_per_image=4,
    )
    model = Gemma3ForConditionalGeneration._from_config(config, attn_implementation=implementations)
    before = [each._attn_implementation for each in (config, config.text_config, config.vision_config)]
    calls: list[torch.Size] = []
    outcome(model, None, calls)
    assert [each._attn_implementation for each in (config, config.text_config, config.vision_config)] == before
    assert before[2] == "eager"


def test_what_an_attention_is_told_of_is_not_overheard():
    model = PACKED["llama"]()
    tokens, scored = batch()
    packed = Packed.of(tokens, flat_positions(scored))
    apart = packing._attention_apart(model.config, packed.lengths)
    with pytest.raises(NotImplementedError, match="block_indices"), apart:
        model.base_model(input_ids=packed.tokens, position_ids=packed.places, block_indices=tokens)
    assert model.config._attn_implementation == "sdpa"


def test_few_tokens_are_not_worth_it(monkeypatch):
    monkeypatch.setattr(scoring, "_LEAST_SAVED", 64)  # 100 - 37 are saved
    calls: list[torch.Size] = []
    outcome(PACKED["llama"](), None, calls)
    assert calls[-1] == (4, 25)


def test_narrow_models_stay_the_same_to_the_last_digit(monkeypatch):
    monkeypatch.setattr(scoring, "_LEAST_WIDTH", 33)
    calls: list[torch.Size] = []
    outcome(PACKED["llama"](), None, calls)
    assert calls[-1] == (4, 25)


def test_no_sequence_sees_another():
    tokens, scored = batch()
    packed = Packed.of(tokens, flat_positions(scored))
    assert packed.lengths == [24, 4, 9]
    assert packed.places[0, 24:29].tolist() == [0, 1, 2, 3, 0]
    model = PACKED["llama"]().base_model
    before = packed.states(model)
    changed = packed._replace(tokens=packed.tokens.clone())
    changed.tokens[0, 24:28] = 7
    after = packed.states(model), changed.states(model)
    torch.testing.assert_close(after[0], before)
    assert torch.equal(after[1][:24], before[:24])
    assert torch.equal(after[1][28:], before[28:])
    assert not torch.equal(after[1][24:28], before[24:28])
