"""What the processes of a run know together."""

from typing import TypeVar

import torch

T = TypeVar("T")


def all_gather(value: T) -> list[T]:
    """Each process's value, in the order of their ranks; every process must call it. What it holds must pickle."""
    if not torch.distributed.is_initialized() or torch.distributed.get_world_size() == 1:
        return [value]
    found = [value] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(found, value)
    return found
