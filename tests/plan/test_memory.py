"""The plan's terms against numbers derived by hand."""

from dataclasses import replace

import pytest

from emlit.plan.activations import layer_backward, saved_by_layer
from emlit.plan.gpus import GIB, GPUS, Gpu
from emlit.plan.head import head_bytes
from emlit.plan.knobs import knobs
from emlit.plan.memory import plan_memory
from emlit.plan.settings import EngineSettings, RunSettings
from emlit.plan.shapes import ModelShape, published_config, shape_of
from emlit.plan.terms import PHASES

# V = 100, D = 8, F = 16, 2 layers, 4 heads of 2, keys of 2 heads.
# A layer: q, o 8 x 8 each; k, v 8 x 4 each; gate, up, down 8 x 16 each; two norms of 8: 128 + 64 + 384 + 16 = 592.
# The root: embeddings and head 800 each, final norm 8.
SHAPE = ModelShape("made up", 100, 8, 16, 2, 8, 4, 4, True, False, 592, 1608, 800, 64)
# 2 rows of 10 tokens, 6 of them sampled.
SETTINGS = RunSettings(rows=2, row_tokens=10, completion_tokens=6, micro_batches=2, samples=2)
CPU = GPUS["cpu"]


def sizes(settings, gpu=CPU, shape=SHAPE):
    return {term.name: term.size for term in plan_memory(shape, settings, gpu).terms}


def test_parameters():
    assert SHAPE.parameters == 2 * 592 + 1608
    assert SHAPE.multiplied == 2 * 592 + 800


def test_states_of_one_process():
    found = sizes(SETTINGS)
    assert set(found["weights"].values()) == {4 * 2792}
    # They end with their step: generation, and the push of weights, have the memory.
    assert found["gradients"] == dict.fromkeys(("forward", "backward", "end of backward", "optimiser step"), 4 * 2792)
    assert set(found["optimiser"].values()) == {8 * 2792}
    # tensor by tensor on a CPU: twice the largest; all at once on a GPU
    assert found["optimiser, temporary"] == {"optimiser step": 2 * 4 * 800}
    assert sizes(SETTINGS, GPUS["h100"])["optimiser, temporary"] == {"optimiser step": 4 * 2792}


def test_gradients_of_a_single_micro_batch_come_in_the_backward_pass():
    found = sizes(replace(SETTINGS, micro_batches=1))["gradients"]
    assert found == {"end of backward": 4 * 2792, "optimiser step": 4 * 2792}


def test_a_reference_model_is_kept_in_what_its_layers_compute_in():
    # 2 layers of 592 in bfloat16, 1608 of embeddings, head and final norm in float32
    assert sizes(replace(SETTINGS, reference="copy", compute="mixed"))["reference model"]["forward"] == 2368 + 6432
    assert sizes(replace(SETTINGS, reference="copy"))["reference model"]["forward"] == 4 * 2792


def test_shards():
    found = sizes(replace(SETTINGS, ranks=4, shards=4, compute="bfloat16", reference="copy"), GPUS["h100"])
    assert found["weights"]["forward"] == 2792  # 4 bytes / 4 ranks
    assert found["gradients"]["optimiser step"] == 2792
    assert found["optimiser"]["generate"] == 2 * 2792
    assert found["reference model"]["generate"] == 2792
    assert found["layers gathered"] == {"forward": 3 * 2 * 592, "backward": 3 * 2 * 592}
    assert found["root gathered"]["end of backward"] == 2 * 808  # 800 of embeddings are let go after their turn
    # bfloat16 gradient, float32 copy to reduce, and its quarter
    assert found["root's gradients, reduce-scatter"] == {"end of backward": 6 * 1608 + 1608}


def test_offloaded_states_are_the_hosts():
    plan = plan_memory(SHAPE, replace(SETTINGS, ranks=4, shards=4, compute="bfloat16", cpu_offload=True), GPUS["h100"])
    assert not {"weights", "gradients", "optimiser"} & {term.name for term in plan.terms}
    assert plan.host == {"weights": 4 * 2792, "gradients": 4 * 2792, "optimiser": 8 * 2792}


def test_processes_without_shards_have_buckets():
    assert sizes(replace(SETTINGS, ranks=2))["DDP's buckets"]["forward"] == 4 * 2792


def test_adapters():
    # r = 2: r (in + out) of q, k, v, o, gate, up, down: 2 (16 + 12 + 12 + 16 + 24 + 24 + 24) = 256 a layer
    found = sizes(replace(SETTINGS, adapter_rank=2, adapter_parameters=512, weight_bytes=2, compute="bfloat16"))
    assert found["weights"]["forward"] == 2 * 2792 + 4 * 512
    assert found["gradients"]["forward"] == 4 * 512
    assert found["optimiser"]["forward"] == 8 * 512
    assert "gradient of the embeddings" not in found


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        # norms: 2 x (input, normed, output) x 8 x 4; attention: (q + out = 16, k + v = 8) x 4, and 4 sums of 4 bytes;
        # MLP: 4 x 16 x 4
        ("float32", 192 + 96 + 16 + 256),
        # norms: 2 x (4 + 2 + 2) x 8
        ("bfloat16", 128 + 48 + 16 + 128),
        # norms: 2 x (4 + 4) x 8, and a bfloat16 copy for each of q, k, v, gate, up
        ("mixed", 128 + 80 + 48 + 16 + 128),
    ],
)
def test_what_a_layer_keeps_of_a_token(compute, expected):
    assert saved_by_layer(SHAPE, replace(SETTINGS, compute=compute)) == expected


def test_backward_pass_of_a_layer():
    # 20 tokens: residual 20 x 8 x 4 = 640; gate's and up's gradients 2 x 20 x 16 x 4 = 2560; one and down's weights
    # 1280 + 512 are less
    assert layer_backward(SHAPE, SETTINGS) == 640 + 2560
    # with one token the weights' gradient is more: 32 + 64 + 512
    assert layer_backward(SHAPE, replace(SETTINGS, rows=1, row_tokens=1)) == 32 + 64 + 512


def test_head_with_its_gradient_in_the_forward_pass():
    found = head_bytes(SHAPE, SETTINGS, CPU)
    # 12 states and their gradient, 12 x 8 x 4 = 384; the weights' gradient 3200; logits 12 x 100 x 4 = 4800 thrice
    assert found.kept == 384 + 3200
    assert found.kept + found.forward == 384 + 384 + 3200 + 3 * 4800
    assert found.waits == 0
    assert head_bytes(replace(SHAPE, tied=True), SETTINGS, CPU).waits == 3200


def test_head_in_tiles():
    found = head_bytes(SHAPE, replace(SETTINGS, head="tiles"), CPU)
    assert found.forward == 3 * 4800
    assert found.kept == 384
    assert found.backward == 384 + 384 + 3200 + 2 * 4800
    # A GPU casts the weights once a call: 100 x 8 of them.
    cast = head_bytes(SHAPE, replace(SETTINGS, head="tiles", compute="mixed"), GPUS["h100"])
    assert cast.forward == 4800 + 12 * 8 * 2 + 2 * 800
    # Of Qwen2.5-7B on a GPU: a tile is 2^25 logits, whatever the vocabulary and the tokens.
    wide = replace(SHAPE, vocabulary=152_064)
    assert (
        head_bytes(wide, replace(SETTINGS, head="tiles", rows=4, completion_tokens=3072), GPUS["h100"]).forward == 2**27
    )


def test_head_of_whole_logits():
    found = head_bytes(SHAPE, replace(SETTINGS, head="logits"), CPU)
    # 12 x 100 logits of scored tokens: the logits, log p, p, its factor, their product 4 bytes each, a mask 1
    assert found.kept + found.forward == 21 * 1200
    assert found.kept == 13 * 1200


def test_checkpointing_keeps_inputs_alone():
    whole, inputs = (plan_memory(SHAPE, replace(SETTINGS, checkpointing=on), CPU) for on in (False, True))
    kept = [next(t for t in plan.terms if t.name.startswith("activations")).at("forward") for plan in (whole, inputs)]
    final = 2 * 20 * 8 * 4
    assert kept == [20 * 2 * 560 + final, 20 * 2 * 32 + final]


def test_engine_asleep_and_awake():
    gpu = Gpu("made up", 64 * GIB, 1e12, 1e12, 1e12, 1e12)
    engine = EngineSettings("VLLMEngine", colocated=True, utilization=0.5)
    awake = plan_memory(SHAPE, replace(SETTINGS, engine=engine), gpu)
    asleep = plan_memory(SHAPE, replace(SETTINGS, engine=replace(engine, sleeps=True)), gpu)
    engines = [
        {phase: sum(term.at(phase) for term in plan.terms if term.name.startswith("engine")) for phase in PHASES}
        for plan in (awake, asleep)
    ]
    assert all(size == pytest.approx(32 * GIB) for size in engines[0].values())
    assert engines[1]["generate"] == pytest.approx(32 * GIB)
    assert engines[1]["backward"] == 1 * GIB
    # In the middle of the two: the weights are there, the cache is not.
    assert engines[1]["weight sync"] == 2 * GIB + 2 * 2792


def test_an_engine_too_small_for_its_weights_does_not_fit():
    gpu = Gpu("made up", 1 * GIB, 1e12, 1e12, 1e12, 1e12)
    plan = plan_memory(SHAPE, replace(SETTINGS, engine=EngineSettings("VLLMEngine", True, utilization=0.5)), gpu)
    assert plan.engine_lacks == pytest.approx(2 * GIB + 2 * 2792 + 10 * 2 * 2 * 4 * 2 - GIB / 2)
    assert not plan.fits


def test_knobs_save_what_they_say():
    shape = shape_of(published_config("qwen2.5-1.5b"), "qwen2.5-1.5b")
    settings = RunSettings(head="logits", reference="copy", compute="mixed", rows=8, samples=4, micro_batches=4)
    now = plan_memory(shape, settings, GPUS["a100-40"])
    found = {knob.change: knob for knob in knobs(shape, settings, GPUS["a100-40"])}
    lighter = plan_memory(shape, replace(settings, checkpointing=True), GPUS["a100-40"])
    assert found["--model.gradient_checkpointing true"].saves == now.peak - lighter.peak > 0
    assert found["--data.micro_batch_prompts 1"].saves > 0
    assert found["--model.entropy_head torch"].saves > 0
    assert not now.fits


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
    assert shape.layer_parameters * shape.layers + shape.root_parameters == shape.parameters


def test_weights_are_pushed_in_the_engines_dtype():
    # 800 of the largest: rounded to bfloat16 before it is gathered, and the engine's own copy of it; for transformers'
    # engine, which shares float32 weights, as it is.
    for kind, expected in (("VLLMEngine", (2 + 2) * 800), ("TransformersEngine", (4 + 2) * 800)):
        settings = replace(SETTINGS, engine=EngineSettings(kind, colocated=True, utilization=0.5))
        assert sizes(settings, GPUS["h100"])["one whole tensor"] == {"weight sync": expected}
