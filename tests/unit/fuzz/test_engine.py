"""The transformers engine itself on the tiny model: odd prompts and odd settings, alone and beside each other."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emlit.engines import ModelSource, Request, Sampling, TransformersEngine
from emlit.errors import EngineError
from emlit.functional import token_logprob
from emlit.tiny import MODEL_DIR
from tests.unit.fuzz.cases import cases

CONTEXT = 40
END = (0, 1)

PROMPTS = st.one_of(
    st.lists(st.integers(0, 342), min_size=1, max_size=8),
    st.sampled_from([[0], [1], [2, 1, 2, 1], [342], [7] * (CONTEXT - 1), [7] * (CONTEXT - 2), [1] * 30]),
)
SAMPLINGS = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.01, 1.0, 1.0, 1.0, 50.0, 1e30]),
    max_tokens=st.sampled_from([1, 5, 12, 10**9]),
    top_p=st.sampled_from([1.0, 1.0, 0.5, 1e-9]),
    top_k=st.sampled_from([0, 0, 1, 10**9]),
    min_p=st.sampled_from([0.0, 0.0, 1.0]),
    stop=st.sampled_from([[], [], [], ["7"], ["é"], ["x", "\n"]]),
)


@pytest.fixture(scope="module")
def engine():
    engine = TransformersEngine(batch_size=3)
    engine.start(ModelSource(str(MODEL_DIR), CONTEXT, END))
    yield engine
    engine.close()


@cases(12)
@given(st.lists(st.tuples(PROMPTS, st.integers(0, 2**63 - 1)), max_size=4), SAMPLINGS)
def test_completions(engine, tokenizer, asked, sampling):
    requests = [Request(prompt, seed) for prompt, seed in asked]
    completions = engine.generate(requests, sampling)
    assert len(completions) == len(requests)
    for request, completion in zip(requests, completions, strict=True):
        room = min(sampling.max_tokens, CONTEXT - len(request.prompt))
        length = len(completion.tokens)
        assert 1 <= length <= room
        assert len(completion.logprobs) == length
        assert not set(completion.tokens[:-1]) & set(END)
        stopped = completion.tokens[-1] in END or any(s in tokenizer.decode(completion.tokens) for s in sampling.stop)
        assert (completion.finish_reason == "stop") == stopped
        assert stopped or length == room
        logprobs = torch.tensor(completion.logprobs)
        assert (logprobs <= 1e-6).all()
        assert logprobs.isfinite().all()
        if not sampling.filtered:
            with torch.no_grad():
                logits = engine.model(torch.tensor([request.prompt + completion.tokens])).logits[0]
            logits = logits[len(request.prompt) - 1 : -1].double()
            expected = token_logprob(logits, torch.tensor(completion.tokens), sampling.temperature or 1.0)
            torch.testing.assert_close(logprobs.double(), expected, rtol=0, atol=1e-3)
    if requests:
        assert engine.generate(requests[-1:], sampling)[0].tokens == completions[-1].tokens


@pytest.mark.parametrize("length", [0, CONTEXT, CONTEXT + 1])
def test_prompts_that_leave_no_room(engine, length):
    with pytest.raises(EngineError, match=f"a prompt has {length} tokens; with a context of 40 it must have 1 to 39"):
        engine.generate([Request([5] * length, 0)], Sampling())


def test_a_long_prompt_does_not_cut_its_neighbour_short(engine):
    short, long = Request([5, 6], 1), Request([7] * (CONTEXT - 1), 2)
    sampling = Sampling(temperature=1e30, max_tokens=12)
    assert engine.generate([short, long], sampling)[0] == engine.generate([short], sampling)[0]
