"""The plan of sharded weights against FSDP2 itself: one of four ranks, on fake tensors and a process group of one."""

from dataclasses import replace

import pytest
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.testing._internal.distributed.fake_pg import FakeStore

from emlit.modules import EMFT, EMRL
from emlit.parallel import Sharding
from emlit.plan.fake import materialise, without_memory
from emlit.plan.gpus import GPUS
from emlit.plan.memory import plan_memory
from emlit.plan.settings import RunSettings
from emlit.plan.shapes import published_config, shape_of
from emlit.plan.step import made_up_batch, whole_step, without_trainer
from emlit.plan.tracking import PhasePeaks
from emlit.policy.loading import own_turns

RANKS = 4


@pytest.fixture
def mesh():
    torch.distributed.init_process_group("fake", rank=0, world_size=RANKS, store=FakeStore())
    yield init_device_mesh("cpu", (RANKS,))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"), [("qwen2.5-math-7b", EMRL), ("qwen2.5-math-7b", EMFT), ("qwen2.5-1.5b", EMRL)]
)
def test_three_layers_at_full_width(name, kind, mesh, tmp_path):
    config = published_config(name)
    config.num_hidden_layers, config.layer_types = 3, config.layer_types[:3]
    config.save_pretrained(tmp_path)
    shape = shape_of(config, name)
    settings = RunSettings(
        objective=kind.__name__, ranks=RANKS, shards=RANKS, compute="bfloat16", checkpointing=True, rows=4, samples=4,
        head="gradient in forward" if kind is EMFT else "tiles", entropy_gradient=kind is EMFT, micro_batches=2,
    )  # fmt: skip
    module = kind(pretrained=str(tmp_path), gradient_checkpointing=True, kl_weight=0.0)
    without_trainer(module, settings.micro_batches, RANKS)
    with torch.device("meta"):
        module.configure_model()
    module.scorer._stops_at_hidden_states = True
    batch = made_up_batch(4, 4, 1024, 3072, settings.micro_batches)
    with without_memory(settings.scored):
        Sharding(mesh, torch.device("cpu"), torch.bfloat16).apply(module.model, own_turns(module.model))
        materialise(module.model)
        optimizer = module.configure_optimizers()["optimizer"]
        whole_step(module, optimizer, batch, 1, 1.0, torch.bfloat16)
        assert {parameter.grad.dtype for parameter in module.parameters()} == {torch.float32}
        tracked = PhasePeaks(module, optimizer=optimizer)
        whole_step(module, optimizer, batch, 1, 1.0, torch.bfloat16, in_phase=tracked, from_zero=False)
    plan = plan_memory(shape, settings, replace(GPUS["cpu"], small_tiles=False))
    planned = {
        "forward": plan.total("forward"),
        "backward": max(plan.total("backward"), plan.total("end of backward")),
        "optimiser step": plan.total("optimiser step"),
    }
    found = {phase: sizes["total"] for phase, sizes in tracked.peaks.items()}
    print({phase: (round(planned[phase] / 2**30, 2), round(found[phase] / 2**30, 2)) for phase in found})
    assert found == pytest.approx(planned, rel=0.15)
