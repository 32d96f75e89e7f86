"""What stands beside the dry run, by hand; the dry run itself is held against the allocator in test_measured.py."""

from dataclasses import replace

import pytest

from emlit.errors import ConfigError
from emlit.plan.dry_run import DryRun
from emlit.plan.gpus import GIB, GPUS, Gpu
from emlit.plan.knobs import fewest_gpus, knobs
from emlit.plan.memory import MemoryPlan, plan_memory
from emlit.plan.settings import EngineSettings, RunSettings
from emlit.plan.shapes import ModelShape, published_config, shape_of
from emlit.plan.terms import PHASES, TRAINING, Term

# V = 100, D = 8, 2 layers of 592, the root of 1608: embeddings and head 800 each, final norm 8; keys of 4.
SHAPE = ModelShape("made up", 100, 8, 2, 8, 4, 592, 592, 1608, 800, 64)
SETTINGS = RunSettings(rows=2, row_tokens=10, completion_tokens=6, micro_batches=2, samples=2)
P = 2792
KEPT = {"weights": 4 * P, "gradients": 4 * P, "optimiser": 8 * P}
STEP = DryRun(
    parameters=P,
    peaks={
        "forward": {**KEPT, "other": 500, "total": 16 * P + 500},
        "backward": {**KEPT, "other": 900, "total": 16 * P + 900},
        # MemTracker counts what AdamW takes for a while as its state.
        "optimiser step": {**KEPT, "optimiser": 8 * P + 64, "other": 0, "total": 16 * P + 64},
    },
)


def sizes(settings, gpu=GPUS["cpu"]):
    return {term.name: term.size for term in plan_memory(SHAPE, settings, gpu, STEP).terms}


def test_parameters():
    assert SHAPE.parameters == P
    assert SHAPE.multiplied == 2 * 592 + 800


def test_what_is_kept_and_what_is_taken_in_passing():
    found = sizes(SETTINGS)
    assert set(found["weights, reference policy's too"].values()) == {4 * P}
    # They end with their step: generation, and the push of weights, have the memory.
    assert found["gradients"] == dict.fromkeys(TRAINING, 4 * P)
    assert set(found["optimiser"].values()) == {8 * P}
    assert found["activations, head, in passing"] == {"forward": 500, "backward": 900, "optimiser step": 64}


def test_what_a_gpu_adds():
    found = sizes(SETTINGS, GPUS["h100"])
    assert found["optimiser, temporary"] == {"optimiser step": 4 * P - 64}  # all roots at once
    assert found["CUDA context, fragmentation"]["generate"] == pytest.approx(GIB + 0.05 * 20 * P)
    sharded = replace(SETTINGS, ranks=4, shards=4)
    assert sizes(sharded, GPUS["h100"])["the next layer, gathered"] == {"forward": 4 * 592, "backward": 4 * 592}


def test_offloaded_states_are_the_hosts():
    plan = plan_memory(SHAPE, replace(SETTINGS, ranks=4, shards=4, cpu_offload=True), GPUS["h100"], STEP)
    assert not {"gradients", "optimiser"} & {term.name for term in plan.terms}
    assert plan.host == {"weights": 16 * P, "gradients": 16 * P, "optimiser": 32 * P}


def test_processes_without_shards_have_buckets():
    assert sizes(replace(SETTINGS, ranks=2))["DDP's buckets"]["forward"] == 4 * P


def test_engine_asleep_and_awake():
    gpu = Gpu("made up", 64 * GIB, 1e12, 1e12, 1e12, 1e12)
    engine = EngineSettings("VLLMEngine", colocated=True, utilization=0.5)
    awake = plan_memory(SHAPE, replace(SETTINGS, engine=engine), gpu, STEP)
    asleep = plan_memory(SHAPE, replace(SETTINGS, engine=replace(engine, sleeps=True)), gpu, STEP)
    engines = [
        {phase: sum(term.at(phase) for term in plan.terms if term.name.startswith("engine")) for phase in PHASES}
        for plan in (awake, asleep)
    ]
    assert all(size == pytest.approx(32 * GIB) for size in engines[0].values())
    assert engines[1]["generate"] == pytest.approx(32 * GIB)
    assert engines[1]["backward"] == 1 * GIB
    # In the middle of the two: the weights are there, the cache is not.
    assert engines[1]["weight sync"] == 2 * GIB + 2 * P


def test_an_engine_too_small_for_its_weights_does_not_fit():
    gpu = Gpu("made up", 1 * GIB, 1e12, 1e12, 1e12, 1e12)
    engine = EngineSettings("VLLMEngine", True, utilization=0.5)
    plan = plan_memory(SHAPE, replace(SETTINGS, engine=engine), gpu, STEP)
    assert plan.engine_lacks == pytest.approx(2 * GIB + 2 * P + 10 * 2 * 2 * 4 * 2 - GIB / 2)
    assert not plan.fits


def test_weights_are_pushed_in_the_engines_dtype():
    # 800 of the largest: rounded to bfloat16 before it is gathered, and the engine's own copy of it; for transformers'
    # engine, which shares float32 weights, as it is.
    for kind, expected in (("VLLMEngine", (2 + 2) * 800), ("TransformersEngine", (4 + 2) * 800)):
        settings = replace(SETTINGS, engine=EngineSettings(kind, colocated=True, utilization=0.5))
        assert sizes(settings, GPUS["h100"])["one whole tensor"] == {"weight sync": expected}


def memory_of(peak: float) -> MemoryPlan:
    return MemoryPlan([Term("all", {"forward": peak}, "")], {}, Gpu("made up", 100, 1, 1, 1, 1))


def test_only_what_fits_is_advised():
    peaks = {"--model.gradient_checkpointing": 90, "--model.lora.r": 40, "--data.micro_batch_prompts": 120}
    found = knobs(replace(SETTINGS, rows=8), lambda words: memory_of(peaks[words[0]]))
    assert [(knob.change, knob.peak) for knob in found] == [
        ("--model.gradient_checkpointing true", 90), ("--model.lora.r 16", 40)
    ]  # fmt: skip


def test_all_together_where_nothing_fits_alone():
    found = knobs(replace(SETTINGS, rows=8), lambda words: memory_of(99 if len(words) > 4 else 120))
    assert len(found) == 1
    assert "--data.micro_batch_prompts 1" in found[0].change
    assert "--model.gradient_checkpointing true" in found[0].change


def test_the_smallest_number_of_gpus():
    def evaluate(words):
        count = int(words[1].rpartition("=")[2]) * int(words[2].rpartition("=")[2])
        if count > 32:
            raise ConfigError("too few prompts")
        return memory_of(1000 / count)

    count, memory = fewest_gpus(evaluate)
    assert (count, memory.peak) == (16, 62.5)
    assert fewest_gpus(lambda words: memory_of(101)) is None


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # from the models' cards
        ("qwen2.5-0.5b", 0.49e9), ("qwen2.5-1.5b", 1.54e9), ("qwen2.5-math-7b", 7.61e9), ("qwen2.5-32b", 32.5e9),
        ("llama-3.1-8b", 8.03e9),
    ],
)  # fmt: skip
def test_published_shapes_have_the_parameters_of_their_cards(name, parameters):
    shape = shape_of(published_config(name), name)
    assert shape.parameters == pytest.approx(parameters, rel=0.01)
    assert shape.active_parameters == shape.layer_parameters


def test_of_experts_the_chosen_ones_count():
    from transformers import MixtralConfig

    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = MixtralConfig(**sizes, num_hidden_layers=2, vocab_size=100, num_local_experts=8, num_experts_per_tok=2)
    shape = shape_of(config, "experts")
    assert shape.layer_parameters - shape.active_parameters == 6 * 3 * 64 * 128
