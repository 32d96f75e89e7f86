"""vLLM in a process that is not its own: what it changes there, and what it must be told."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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


def own_gpu() -> dict[str, Any]:
    """Arguments for an engine on this process's GPU; sets what vLLM reads of the environment for it.

    vLLM takes LOCAL_RANK for a GPU's index. Lightning takes it for a place in `trainer.devices`, as often as it asks:
    the two differ where these are not 0, 1, ..., so that it must not stay.
    """
    gpu = torch.cuda.current_device() if torch.cuda.is_available() else None
    if torch.distributed.is_initialized() and torch.distributed.get_world_size() > 1:
        # What torchrun would have set, and Lightning's own launcher does not.
        os.environ["RANK"] = str(torch.distributed.get_rank())
        if gpu is not None:
            os.environ["LOCAL_RANK"] = str(gpu)
        return {"distributed_executor_backend": "external_launcher"}
    return {"device_ids": [gpu]} if gpu else {}  # the first one unless told


def skip_token_ranks() -> None:
    """On a CPU the rank of a sampled token is computed by a compiled function: 10 s of compilation for a number that
    nobody here reads."""
    from vllm.v1.sample import sampler

    if hasattr(sampler, "batched_count_greater_than"):
        sampler.batched_count_greater_than = lambda x, values: (x >= values).sum(dim=-1)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' and vLLM's advisory log lines out of the run's output."""
    loggers = [logging.getLogger(name) for name in ("vllm", "transformers", "torch.distributed")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
