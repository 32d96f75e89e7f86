"""vLLM's own server on loopback: what it samples, the weights it is given, and what becomes of a run when it dies."""

import threading
import time
from pathlib import Path

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

import cli
from emlit.engines import ModelSource, Request, Sampling, VLLMServerEngine, push_weights, sample
from emlit.errors import EngineError
from emlit.play.player import Asked
from emlit.play.server_player import ServerPlayer
from emlit.pretrained import load_model, stop_token_ids
from emlit.tiny import MODEL_DIR, problems
from tests.runs.test_runs import SMALL, scalars
from tests.servers import ROOT, Server, serving

pytest.importorskip("vllm")
SAMPLING = Sampling(max_tokens=24)


@pytest.fixture(scope="module", autouse=True)
def the_last_file_that_needs_it(server):
    yield
    server.stop()  # one that waits takes a fifth of a core


@pytest.fixture(scope="module")
def prompts(tokenizer):
    chats = [[{"role": "user", "content": row["prompt"]}] for row in problems("test", 12)]
    return [
        tokenizer(tokenizer.apply_chat_template(c, add_generation_prompt=True, tokenize=False))["input_ids"]
        for c in chats
    ]


@pytest.fixture(scope="module")
def source(tokenizer):
    return ModelSource(str(MODEL_DIR), 256, stop_token_ids(str(MODEL_DIR), tokenizer))


def requests(prompts, seed: int = 0) -> list[Request]:
    return [Request(prompt, seed + i) for i, prompt in enumerate(prompts)]


def gap(model, requests, completions) -> float:
    """Largest |log p by the model - log p by the server| of a sampled token, nats."""
    gaps = []
    with torch.no_grad():
        for request, found in zip(requests, completions, strict=True):
            logp = torch.log_softmax(model(torch.tensor([request.prompt + found.tokens])).logits[0], -1)
            picked = logp[len(request.prompt) - 1 : -1].gather(1, torch.tensor(found.tokens).unsqueeze(1)).squeeze(1)
            gaps.append((picked - torch.tensor(found.logprobs)).abs().max().item())
    return max(gaps)


def disturbed(model, seed: int):
    """Every weight moved, so that one left behind shows."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * parameter.std().nan_to_num() * torch.randn_like(parameter) + 1e-3)
    return model.eval()


def test_it_can_be_played_with(server):
    """emlit play URL: a token at a time, beside vLLM's own chat template, tokenizer and processed log-probabilities."""
    player = ServerPlayer(server.url)
    events = list(player.play(Asked("Compute 17+25-8.", max_tokens=16)))
    plain, lowered = ([e for e in events if "text" in e and e["column"] == column] for column in (0, 1))
    assert all(each["after"] == each["entropy"] for each in plain)
    assert any(each["after"] < each["entropy"] for each in lowered)
    assert plain[0]["likeliest"][0][1] == pytest.approx(lowered[0]["likeliest"][0][1], abs=1e-5)
    events = list(player.play(Asked("Compute 17+25-8.", max_tokens=16, threshold=100.0)))
    assert len({"".join(e.get("text", "") for e in events if e["column"] == column) for column in (0, 1)}) == 1


@pytest.mark.parametrize("bucket", [1, 64 << 10, 256 << 20], ids=["a weight", "a few", "all"])
def test_pushed_weights_are_used_at_once(server, source, prompts, bucket):
    assert load_model(str(MODEL_DIR)).config.tie_word_embeddings
    engine = VLLMServerEngine([server.url])
    engine.start(source)
    model = load_model(str(MODEL_DIR))
    long = [prompt * 3 for prompt in prompts]  # several blocks each
    for version in (1, 2):
        disturbed(model, version)
        engine.bucket_bytes = bucket
        engine.load_weights(model.state_dict().items(), version)
        assert engine.weights_version == version
        for asked in (requests(prompts), requests(long)):
            assert gap(model, asked, engine.generate(asked, SAMPLING)) < 1e-4
    assert not list(Path(engine.transfer.engine.scratch.name).glob("bucket*"))
    engine.close()


def test_weights_of_an_earlier_run_are_not_taken_for_those_on_disk(server, source, prompts):
    first = VLLMServerEngine([server.url])
    first.start(source)
    first.load_weights(load_model(str(MODEL_DIR)).state_dict().items(), 0)
    second = VLLMServerEngine([server.url])
    second.start(source)
    with pytest.raises(ConnectionError, match="in place of 'default'"):
        second.generate(requests(prompts), SAMPLING)
    second.load_weights(load_model(str(MODEL_DIR)).state_dict().items(), 0)
    second.generate(requests(prompts), SAMPLING)
    with pytest.raises(ConnectionError, match="another run gave it some"):
        first.generate(requests(prompts), SAMPLING)


@pytest.mark.nightly
def test_untied_weights_and_those_of_another_model(tmp_path, tokenizer, prompts):
    torch.manual_seed(0)
    config = Qwen2Config(vocab_size=len(tokenizer), hidden_size=64, intermediate_size=64, num_hidden_layers=2,
                         num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=False,
                         max_position_embeddings=512)  # fmt: skip
    model = Qwen2ForCausalLM(config)
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    (tmp_path / "run.yaml").write_text(f"model: {{pretrained: {tmp_path / 'model'}}}\ndata: {{context: 256}}\n")
    with serving(tmp_path / "log.txt", config=tmp_path / "run.yaml") as server:
        engine = VLLMServerEngine([server.url], bucket_mb=1)
        engine.start(ModelSource(str(tmp_path / "model"), 256, (tokenizer.eos_token_id,)))
        disturbed(model, 1)
        engine.load_weights(model.state_dict().items(), 1)
        asked = requests(prompts)
        assert gap(model, asked, engine.generate(asked, SAMPLING)) < 1e-4
        with pytest.raises(EngineError, match=r"did not take the weights: HTTP 500.*restart it"):
            engine.load_weights([("model.norm.weight", torch.zeros(7))], 2)
        # Half of an update is no model: the server stays paused, and says so to the next run.
        with pytest.raises(EngineError, match="is paused"):
            engine.start(engine.source)


@pytest.fixture(scope="module")
def mortal(server, source, tmp_path_factory):
    """A second server, an engine that samples from both, and the model whose weights they have."""
    other = Server(tmp_path_factory.mktemp("mortal") / "log.txt")
    other.start()
    try:
        other.wait()
        engine = VLLMServerEngine([server.url, other.url], patience=3.0)
        engine.start(source)
        model = disturbed(load_model(str(MODEL_DIR)), 7)
        engine.load_weights(model.state_dict().items(), 1)
        yield other, engine, model
        engine.close()
    finally:
        other.stop()


@pytest.mark.nightly
def test_a_server_that_is_killed_ends_the_run(mortal, prompts):
    other, engine, model = mortal
    asked = requests(prompts)
    assert gap(model, asked, engine.generate(asked, SAMPLING)) < 1e-4
    many = [Request(prompt, seed) for seed in range(60) for prompt in prompts]
    threading.Timer(0.5, other.kill).start()
    started = time.monotonic()
    with pytest.raises(EngineError, match=rf"server {other.url} has not answered for 3 s .*ckpt_path auto"):
        engine.generate(many, SAMPLING)
    assert time.monotonic() - started < 30
    with pytest.raises(EngineError, match=f"{other.url} has not answered"):
        engine.load_weights(model.state_dict().items(), 2)


@pytest.mark.nightly
def test_a_server_that_comes_back_is_not_taken_for_the_one_before(mortal, prompts):
    other, engine, model = mortal
    if other.process.poll() is None:
        other.kill()
    other.start()
    other.wait()
    with pytest.raises(EngineError, match="it was started again.*ckpt_path auto"):
        sample(engine, requests(prompts), SAMPLING)  # it has the weights on disk
    push_weights(engine, model.state_dict().items(), 3)
    assert gap(model, requests(prompts), sample(engine, requests(prompts), SAMPLING)) < 1e-4


@pytest.mark.nightly
@pytest.mark.parametrize("place", ["server", "vllm"])
def test_fit_one_round_ahead(request, place, tmp_path):
    engine = f"server:{request.getfixturevalue('server').url}" if place == "server" else place

    def fit(name: str, *arguments: str) -> dict:
        cli.main(
            ["fit", "--config", str(ROOT / "configs/tiny/em_rl_token.yaml"), f"--run_dir={tmp_path / name}",
             f"--engine={engine}", "--model.policy_update=TruncatedImportanceSampling",
             *SMALL, "--trainer.max_steps=3", "--guard.mode=off", *arguments]
        )  # fmt: skip
        return scalars(tmp_path / name)

    curves = fit("ahead", "--data.rounds_ahead=1")
    assert curves["sync/staleness"] == {1: 0.0, 2: 1.0, 3: 1.0}
    # The first round is on-policy, and the proof that the server runs the trainer's weights.
    assert list(curves["sync/logprob_gap_max"]) == [1]
    assert curves["sync/logprob_gap_max"][1] < 1e-4
    assert curves["importance/ratio"][1] == pytest.approx(1, abs=1e-4)
    assert curves["importance/ratio_max"][3] > 1 + 1e-3
    again = fit("again", "--data.rounds_ahead=1")
    for name in ("entropy/token_mean", "length/mean", "importance/ratio_max"):
        assert again[name] == pytest.approx(curves[name], abs=1e-3)
    plain = fit("plain")
    assert plain["sync/staleness"] == {1: 0.0, 2: 0.0, 3: 0.0}
    assert max(plain["sync/logprob_gap_max"].values()) < 1e-4
    assert plain["entropy/token_mean"][1] == pytest.approx(curves["entropy/token_mean"][1], abs=1e-4)
