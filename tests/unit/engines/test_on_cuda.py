"""What an engine's start does on GPUs, with CUDA and vLLM stood in for on a CPU."""

import os
import sys
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.accelerators import CUDAAccelerator
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.strategies import DDPStrategy

from emlit.engines import ModelSource
from emlit.engines.vllm import VLLMEngine
from emlit.parallel import FSDP2
from emlit.tiny import MODEL_DIR

SOURCE = ModelSource(str(MODEL_DIR), 256, (1,))


class FakeCuda:
    """A machine with four GPUs; `calls` is what was done on it, in order."""

    def __init__(self, monkeypatch):
        self.device, self.calls, self.seen = 0, [], {}
        for name, stand_in in {
            "is_available": lambda: True,
            "current_device": lambda: self.device,
            "device_count": lambda: 4,
            "set_device": lambda device: setattr(self, "device", torch.device("cuda", device).index),
            "empty_cache": lambda: self.calls.append("empty cache"),
        }.items():
            monkeypatch.setattr(torch.cuda, name, stand_in)
        freed = lambda: self.calls.append("free workspaces")  # noqa: E731
        monkeypatch.setattr(torch._C, "_cuda_clearCublasWorkspaces", freed, raising=False)
        from lightning.pytorch.accelerators import cuda

        monkeypatch.setattr(cuda, "_clear_cuda_memory", cuda._clear_cuda_memory)  # given back after the test
        monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(LLM=self.start, __spec__="found"))

    def start(self, **arguments):
        """As vLLM's: on the GPU of LOCAL_RANK, or of device_ids, with settings of its own."""
        self.seen = {"arguments": arguments, "LOCAL_RANK": os.environ.get("LOCAL_RANK")}
        external = arguments.get("distributed_executor_backend") == "external_launcher"
        self.device = int(os.environ["LOCAL_RANK"]) if external else arguments.get("device_ids", [0])[0]
        self.calls.append(f"graphs on cuda:{self.device}")
        torch.set_float32_matmul_precision("highest")
        torch.set_num_threads(1)
        torch.set_num_threads = lambda threads: None
        os.environ |= {"LD_PRELOAD": "libgomp.so", "LOCAL_WORLD_SIZE": "1", "VLLM_ITS_OWN": "1"}
        os.environ.pop("NCCL_ASYNC_ERROR_HANDLING", None)
        return SimpleNamespace(model_config=SimpleNamespace(dtype=torch.bfloat16))


@pytest.fixture
def cuda(monkeypatch):
    for name in ("LOCAL_RANK", "RANK"):
        monkeypatch.delenv(name, raising=False)
    return FakeCuda(monkeypatch)


def of_lightning(kind, devices: list[int]):
    """A strategy as the process has it that runs on its place in `trainer.devices`."""
    strategy = kind()
    strategy.parallel_devices = [torch.device("cuda", index) for index in devices]
    strategy.cluster_environment = LightningEnvironment()
    return strategy


@pytest.mark.parametrize("kind", [FSDP2, DDPStrategy])
@pytest.mark.parametrize(("devices", "rank"), [([2, 3], 0), ([2, 3], 1), ([1, 2], 0), ([1, 2], 1), ([0, 1], 1)])
def test_each_process_keeps_the_gpu_that_lightning_gave_it(kind, devices, rank, cuda, monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: rank)
    if rank:  # Lightning sets it for the processes that it starts, not for its own
        monkeypatch.setenv("LOCAL_RANK", str(rank))
    before, strategy = os.environ.get("LOCAL_RANK"), of_lightning(kind, devices)
    torch.cuda.set_device(strategy.root_device.index)
    VLLMEngine().start(SOURCE)
    assert cuda.seen["arguments"]["distributed_executor_backend"] == "external_launcher"
    assert cuda.seen["LOCAL_RANK"] == str(devices[rank])
    assert os.environ.get("LOCAL_RANK") == before
    assert "RANK" not in os.environ
    assert strategy.root_device == torch.device("cuda", devices[rank])
    assert torch.cuda.current_device() == devices[rank]


@pytest.mark.parametrize("index", [0, 3])
def test_one_process_has_its_engine_on_its_own_gpu(index, cuda):
    torch.cuda.set_device(index)
    VLLMEngine().start(SOURCE)
    assert cuda.calls == [f"graphs on cuda:{index}"]
    assert torch.cuda.current_device() == index
    assert "LOCAL_RANK" not in os.environ


def test_a_gpu_of_the_users_own_choice_is_left(cuda):
    torch.cuda.set_device(1)
    VLLMEngine(options={"device_ids": [2]}).start(SOURCE)
    assert cuda.seen["arguments"]["device_ids"] == [2]


def test_lightning_leaves_the_workspaces_that_graphs_point_to(cuda):
    """Setup and teardown of Lightning's accelerator come after the engine's start."""
    trainer = SimpleNamespace(local_rank=0)
    CUDAAccelerator().setup(trainer)
    assert "free workspaces" in cuda.calls  # without an engine Lightning does as ever
    cuda.calls.clear()
    VLLMEngine().start(SOURCE)
    CUDAAccelerator().setup(trainer)
    CUDAAccelerator().teardown()
    assert cuda.calls == ["graphs on cuda:0", "empty cache", "empty cache"]


@pytest.mark.parametrize("fails", [False, True])
def test_the_trainers_settings_are_what_they_were(fails, cuda, monkeypatch):
    threads, set_num_threads = torch.get_num_threads(), torch.set_num_threads
    monkeypatch.setenv("NCCL_ASYNC_ERROR_HANDLING", "1")
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    monkeypatch.setenv("VLLM_ITS_OWN", "0")
    try:
        torch.set_num_threads(2)
        torch.set_float32_matmul_precision("high")
        engine = VLLMEngine(options={"device_ids": ["none"]} if fails else None)
        if fails:
            cuda.start, start = None, cuda.start

            def broken(**arguments):
                start(**{**arguments, "device_ids": [1]})
                raise ValueError("no kernel image")

            sys.modules["vllm"].LLM = broken
            with pytest.raises(Exception, match="no kernel image"):
                engine.start(SOURCE)
        else:
            engine.start(SOURCE)
            assert engine.weights_dtype == torch.bfloat16
        assert torch.get_float32_matmul_precision() == "high"
        assert torch.get_num_threads() == 2
        assert torch.set_num_threads is set_num_threads
        assert not {"LD_PRELOAD", "LOCAL_WORLD_SIZE"} & os.environ.keys()
        assert os.environ["VLLM_ITS_OWN"] == "1"  # it reads some of these later
        assert torch.cuda.current_device() == 0
    finally:
        torch.set_num_threads = set_num_threads
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision("highest")
        os.environ.pop("VLLM_ENABLE_V1_MULTIPROCESSING", None)


def test_vllm_knows_the_argument_that_names_a_gpu():
    from vllm.engine.arg_utils import EngineArgs

    assert EngineArgs(model=str(MODEL_DIR), device_ids=[3])._resolve_device_ids() == [3]
