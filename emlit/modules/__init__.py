"""The LightningModules."""

from emlit.losses import PPO, EntropyFloor, PolicyUpdate, Reinforce, TruncatedImportanceSampling
from emlit.modules.causal_lm import CausalLM
from emlit.modules.em_ft import EMFT
from emlit.modules.em_rl import EMRL
from emlit.modules.objective import EntropyObjectiveMixin
from emlit.modules.sft import SFT
from emlit.modules.step_output import StepOutput
from emlit.policy.lora import LoRA

__all__ = [
    "EMFT", "EMRL", "PPO", "SFT", "CausalLM", "EntropyFloor", "EntropyObjectiveMixin", "LoRA", "PolicyUpdate",
    "Reinforce", "StepOutput", "TruncatedImportanceSampling",
]  # fmt: skip
