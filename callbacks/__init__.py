"""What watches or steers a run."""

from callbacks.em_inference import EMInference
from callbacks.entropy_curves import EntropyCurves
from callbacks.hf_export import HFExport
from callbacks.prediction_writer import PredictionWriter
from callbacks.progress import RolloutProgress
from callbacks.run_checkpoint import RunCheckpoint
from callbacks.run_summary import RunSummary
from callbacks.skip_non_finite import SkipNonFinite
from callbacks.stop_on_signal import StopOnSignal, Stopped
from callbacks.weight_sync import WeightSync

__all__ = [
    "EMInference",
    "EntropyCurves",
    "HFExport",
    "PredictionWriter",
    "RolloutProgress",
    "RunCheckpoint",
    "RunSummary",
    "SkipNonFinite",
    "StopOnSignal",
    "Stopped",
    "WeightSync",
]
