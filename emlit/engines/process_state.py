"""What vLLM changes of the process that it starts in, beside its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Names that nobody but vLLM and what it runs on read. Others are Lightning's (RANK, LOCAL_RANK, LOCAL_WORLD_SIZE), or
# reach every program that is started later (LD_PRELOAD, LD_LIBRARY_PATH).
_ITS_OWN = ("VLLM_", "NCCL_", "TORCHINDUCTOR_", "TRITON_", "TILELANG_", "AITER_")


@contextmanager
def process_state_kept() -> Iterator[None]:
    """Start an engine within it; afterwards the trainer's settings are what they were.

    Put back are environment variables, the current GPU, the host's threads and the precision of float32 products.
    vLLM sets one thread, "highest", and on a CPU makes `torch.set_num_threads` do nothing.
    """
    environment, threads = dict(os.environ), torch.get_num_threads()
    set_num_threads, precision = torch.set_num_threads, torch.get_float32_matmul_precision()
    device = torch.cuda.current_device() if torch.cuda.is_available() else None
    try:
        yield
    finally:
        torch.set_num_threads = set_num_threads
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        if device is not None:
            torch.cuda.set_device(device)
        for name in {*environment, *os.environ}:
            if name.startswith(_ITS_OWN):
                continue
            if name in environment:
                os.environ[name] = environment[name]
            else:
                del os.environ[name]


def keep_workspaces() -> None:
    """Have Lightning free cached GPU memory without the workspaces of cuBLAS, for the rest of the process.

    An engine's CUDA graphs hold the address of a workspace, and Lightning frees workspaces when the strategy is set up,
    which is after the engine's start, and at the end: a replay would then write where something else may be.
    """
    from lightning.pytorch.accelerators import cuda

    cuda._clear_cuda_memory = torch.cuda.empty_cache
