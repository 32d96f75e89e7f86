"""The LightningModules."""

from emlit.modules.causal_lm import CausalLM
from emlit.modules.em_ft import EMFT
from emlit.modules.em_rl import EMRL
from emlit.modules.lora import LoRA
from emlit.modules.objective import EntropyObjectiveMixin, StepRecord

__all__ = ["EMFT", "EMRL", "CausalLM", "EntropyObjectiveMixin", "LoRA", "StepRecord"]
