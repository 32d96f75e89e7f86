"""What is set before Lightning and transformers are imported, which read it then."""

# ruff: noqa: E402 (what is set before an import must stand before it)

import os
from unittest.mock import patch

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
# On a CPU oneDNN keeps the code of so many matrix shapes. With its own 1024 a run grows for hundreds of rounds. With
# fewer than a layer has, forward and backward with LoRA, each layer makes them anew: half of a backward pass.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")

from lightning_utilities.core.imports import RequirementCache

_is_met = RequirementCache.__bool__
# torchmetrics imports all of transformers and matplotlib for text metrics and plots that nobody here uses: a third of
# the time to any answer.
with patch.object(
    RequirementCache,
    "__bool__",
    lambda self: not str(self.requirement).startswith(("transformers", "matplotlib")) and _is_met(self),
):
    import torchmetrics  # noqa: F401
