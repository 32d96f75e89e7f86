"""What watches or steers a run."""

from callbacks.collapse_guard import CollapseGuard
from callbacks.em_inference import EMInference
from callbacks.entropy_curves import EntropyCurves
from callbacks.hf_export import HFExport
from callbacks.prediction_writer import PredictionWriter
from callbacks.preflight_report import PreflightReport
from callbacks.progress import RolloutProgress
from callbacks.run_checkpoint import RunCheckpoint
from callbacks.run_summary import RunSummary
from callbacks.samples_page import SamplesPage
from callbacks.skip_non_finite import SkipNonFinite
from callbacks.stop_on_signal import StopOnSignal, Stopped
from callbacks.weight_sync import WeightSync

__all__ = [
    "CollapseGuard",
    "EMInference",
    "EntropyCurves",
    "HFExport",
    "PredictionWriter",
    "PreflightReport",
    "RolloutProgress",
    "RunCheckpoint",
    "RunSummary",
    "SamplesPage",
    "SkipNonFinite",
    "StopOnSignal",
    "Stopped",
    "WeightSync",
]
