"""The model that is trained, without a Trainer: loaded, adapted, cut into shards, scored."""

from emlit.policy.loading import load_policy, load_reference
from emlit.policy.lora import LoRA
from emlit.policy.scoring import EntropyHead, Scorer

__all__ = ["EntropyHead", "LoRA", "Scorer", "load_policy", "load_reference"]
