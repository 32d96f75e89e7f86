"""What watches or steers a run: the package `emlit.callbacks`, which a checkout also has as `callbacks`."""

import sys

from emlit.callbacks.collapse_guard import CollapseGuard
from emlit.callbacks.dry_run import DryRun
from emlit.callbacks.em_inference import EMInference
from emlit.callbacks.entropy_curves import EntropyCurves
from emlit.callbacks.hf_export import HFExport
from emlit.callbacks.prediction_writer import PredictionWriter
from emlit.callbacks.preflight_report import PreflightReport
from emlit.callbacks.progress import RolloutProgress
from emlit.callbacks.run_checkpoint import RunCheckpoint
from emlit.callbacks.run_summary import RunSummary
from emlit.callbacks.samples_page import SamplesPage
from emlit.callbacks.skip_non_finite import SkipNonFinite
from emlit.callbacks.stop_on_signal import StopOnSignal, Stopped
from emlit.callbacks.weight_sync import WeightSync

__all__ = [
    "CollapseGuard", "DryRun", "EMInference", "EntropyCurves", "HFExport", "PredictionWriter", "PreflightReport",
    "RolloutProgress", "RunCheckpoint", "RunSummary", "SamplesPage", "SkipNonFinite", "StopOnSignal", "Stopped",
    "WeightSync",
]  # fmt: skip

if __name__ == "callbacks":
    # One class, whatever it is called: two copies would not be instances of each other.
    for name in [name for name in sys.modules if name.startswith("emlit.callbacks")]:
        sys.modules[name.removeprefix("emlit.")] = sys.modules[name]
