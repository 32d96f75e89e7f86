from hypothesis import given, settings
from hypothesis import strategies as st

from emlit.samples.token_texts import token_texts


def encode(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def test_bytes_of_one_character_stand_together(tokenizer):
    # The tiny vocabulary has no accents: two bytes, two tokens; and four for the sign of the second line.
    texts = token_texts(tokenizer, encode(tokenizer, "é🙂"))
    assert texts == ["é", None, "🙂", None, None, None]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=30))
def test_the_texts_are_the_text(tokenizer, text):
    tokens = encode(tokenizer, text)
    texts = token_texts(tokenizer, tokens)
    assert len(texts) == len(tokens)
    assert "".join(t for t in texts if t is not None) == tokenizer.decode(tokens)


def test_special_tokens_are_text(tokenizer):
    assert token_texts(tokenizer, [*encode(tokenizer, "1"), tokenizer.eos_token_id])[-1] == tokenizer.eos_token


def test_bytes_that_are_no_character(tokenizer):
    lone = encode(tokenizer, "é")[:1]
    ends = token_texts(tokenizer, encode(tokenizer, "12") + lone)
    assert ends == ["1", "2", "\ufffd"]
    # Never more than four together, whatever follows.
    texts = token_texts(tokenizer, lone * 8 + encode(tokenizer, "7"))
    assert texts == ["\ufffd" * 4, None, None, None] * 2 + ["7"]
    assert token_texts(tokenizer, []) == []


def test_a_tokenizer_that_drops_the_first_space():
    """As Llama 2's does: decoded alone, each of its words would lose its space."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({"▁one": 0, "▁two": 1, "?": 2}, unk_token="?"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner)
    assert tokenizer.decode([1]) == "two"
    assert token_texts(tokenizer, [0, 1, 1]) == ["one", " two", " two"]
