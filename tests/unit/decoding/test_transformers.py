"""EM-INF in transformers' own `generate`."""

import pytest
import torch
from transformers import AutoModelForCausalLM, LogitsProcessor, LogitsProcessorList

from emlit.decoding import AdaptiveTemperature, EntropyMinimization, LocallyTypical, minimize_entropy
from emlit.decoding.transformers import EntropyLogitsProcessor
from emlit.tiny import MODEL_DIR, problems


class Record(LogitsProcessor):
    """Keeps what it is given."""

    def __init__(self):
        self.seen = []

    def __call__(self, input_ids, scores):
        self.seen.append(scores.clone())
        return scores


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(MODEL_DIR).eval()


@pytest.fixture(scope="module")
def prompts(tokenizer):
    chats = [[{"role": "user", "content": row["prompt"]}] for row in problems("test", 6)]
    return [tokenizer.apply_chat_template(c, add_generation_prompt=True, tokenize=False) for c in chats]


def generate(model, tokenizer, prompts, decoding, **options):
    """Greedy on the processed scores, so that two runs see the same tokens: (scores by step, tokens)."""
    before, after = Record(), Record()
    processors = LogitsProcessorList([before, EntropyLogitsProcessor(decoding), after])
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    torch.manual_seed(0)
    output = model.generate(**inputs, max_new_tokens=6, logits_processor=processors, **options)
    return before.seen, after.seen, output[:, inputs["input_ids"].shape[1] :]


@pytest.mark.parametrize("decoding", [EntropyMinimization(threshold=0.01), AdaptiveTemperature(), LocallyTypical()])
def test_a_left_padded_batch_gives_each_row_what_it_gets_alone(model, tokenizer, prompts, decoding):
    assert len({len(tokenizer(p)["input_ids"]) for p in prompts}) > 1  # padding is needed
    before, after, tokens = generate(model, tokenizer, prompts, decoding, do_sample=False)
    for row, prompt in enumerate(prompts):
        _, alone, own = generate(model, tokenizer, [prompt], decoding, do_sample=False)
        for step, scores in enumerate(alone):
            torch.testing.assert_close(after[step][row], scores[0], rtol=1e-3, atol=1e-3)
        assert own[0].tolist() == tokens[row, : len(own[0])].tolist()
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))


def test_it_acts_on_raw_logits_before_temperature(model, tokenizer, prompts):
    before, after, _ = generate(
        model, tokenizer, prompts, EntropyMinimization(threshold=0.01), do_sample=True, temperature=0.5, top_k=0
    )
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    raw = model(**inputs).logits[:, -1]
    torch.testing.assert_close(before[0], raw, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(after[0], minimize_entropy(before[0], threshold=0.01))
