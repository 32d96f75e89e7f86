"""GPUs by their public datasheets."""

import os
from dataclasses import dataclass, replace

from emlit.errors import ConfigError

GIB = 2**30
GB = 1e9


@dataclass(frozen=True)
class Gpu:
    """One kind.

    Attributes:
        name: as given to --gpu
        memory: bytes that a process can have
        flops: dense bfloat16, a second
        bandwidth: of its memory, bytes a second
        within_node: to the other GPUs of its node, bytes a second in one direction
        between_nodes: its share of the node's network, bytes a second
        on_cpu: operations one by one, AdamW tensor by tensor, the head in small tiles and its products in float32
    """

    name: str
    memory: float
    flops: float
    bandwidth: float
    within_node: float
    between_nodes: float
    on_cpu: bool = False


# NVIDIA's datasheets; memory as torch has it, a little less than the name says. SXM boards with NVLink (half of the
# datasheet's figure for both directions) for H and A, PCIe 4.0 x16 for the others; a network port a GPU of 400 Gb/s
# with H100 and H200, of 200 Gb/s with A100; 25 Gb/s for the others.
GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("h100", 79.1 * GIB, 989e12, 3350 * GB, 450 * GB, 50 * GB),
        Gpu("h200", 139.7 * GIB, 989e12, 4800 * GB, 450 * GB, 50 * GB),
        Gpu("a100-80", 79.1 * GIB, 312e12, 2039 * GB, 300 * GB, 25 * GB),
        Gpu("a100-40", 39.4 * GIB, 312e12, 1555 * GB, 300 * GB, 25 * GB),
        Gpu("l40s", 44.4 * GIB, 362e12, 864 * GB, 32 * GB, 3 * GB),
        Gpu("rtx4090", 23.6 * GIB, 165e12, 1008 * GB, 32 * GB, 3 * GB),
        # Two cores of a server, for checking the plan against what is measured there.
        Gpu("cpu", 16 * GIB, 0.1e12, 20 * GB, 5 * GB, 1 * GB, on_cpu=True),
    )
}


def here() -> Gpu | None:
    """This machine's, or its CPU where it has none, with the memory that it has; None for one not in the table."""
    import torch

    if not torch.cuda.is_available():
        return replace(GPUS["cpu"], memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    properties = torch.cuda.get_device_properties(0)
    name = properties.name.lower().replace(" ", "")
    found = [gpu for gpu in GPUS.values() if gpu.name.partition("-")[0] in name]
    return replace(found[0], memory=properties.total_memory) if found else None


def gpu_of(name: str) -> Gpu:
    """One of the table, or "here".

    Raises:
        ConfigError: a kind that is not in the table
    """
    if (found := here() if name == "here" else GPUS.get(name)) is None:
        what = "this machine's, which the table does not have" if name == "here" else name
        raise ConfigError(f"gpu is {what}; it must be one of {', '.join(GPUS)}, or here")
    return found
