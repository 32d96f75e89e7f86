"""A plain Hugging Face directory at the end of a run."""

from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from emlit import gguf, hub, progress
from emlit.callbacks.collapse_guard import CollapseGuard
from emlit.callbacks.dry_run import DryRun
from emlit.callbacks.run_checkpoint import RunCheckpoint
from emlit.callbacks.run_summary import RunSummary
from emlit.callbacks.weight_sync import adapter_weights, engine_weights
from emlit.errors import ConfigError, NonFiniteError
from emlit.export import Room, parameter_count, require_room, require_saveable, saveable
from emlit.model_card import model_card
from emlit.modules import CausalLM
from emlit.policy.scoring import unwrapped
from emlit.resilience.files import replacing, scratch_of
from emlit.resilience.marks import facts_of, mark, require_own, seal
from emlit.rollout.trainer import Trainer
from emlit.terminal import Terminal


class HFExport(L.Callback):
    """Write what `AutoModelForCausalLM.from_pretrained` and vLLM load: weights, config, tokenizer, generation config.

    Written when training ends, also when it ends early on a non-finite loss: the weights are then those before it. A
    half-written export never stands under the final name. With LoRA these weights are merged, and the adapter alone
    stands in `adapter` below them, for peft and for vLLM beside the base.

    Args:
        dirpath: where; `export` in the run's directory unless set
        enabled: whether to export at all
        push_to_hub: id of a repository on the hub that the export is pushed to, too; made, private, where there is none
    """

    def __init__(self, dirpath: str | None = None, enabled: bool = True, push_to_hub: str | None = None) -> None:
        self.dirpath, self.enabled, self.push_to_hub = dirpath, enabled, push_to_hub

    def path(self, trainer: Trainer) -> Path:
        return Path(self.dirpath or Path(trainer.default_root_dir) / "export").absolute()

    def preflight(self, trainer: Trainer, module: CausalLM, stage: str) -> None:
        """Try whatever could fail at the end of the run.

        Raises:
            ConfigError: what stands there is not this run's, the model cannot be saved, or there is no room
        """
        if stage != "fit" or not self.enabled or not trainer.is_global_zero:
            return
        target, run = self.path(trainer), _run(trainer)
        key = "export.dirpath" if self.dirpath is not None else ""
        require_own(target, key, "choose another --export.dirpath")
        if (facts := facts_of(target)) is not None and facts.get("run") != run:
            held = "the export of another run" if "run" in facts else "a run"
            raise ConfigError(f"{target} holds {held}; choose another --export.dirpath")
        size = require_saveable(module.pretrained, scratch_of(target, run), module.trust_remote_code)
        size += (
            parameter_count(module.pretrained, module.trust_remote_code) * getattr(torch, module.dtype_name).itemsize
        )
        if self.push_to_hub:
            dry = any(isinstance(each, DryRun) for each in trainer.callbacks)
            hub.require_repository(self.push_to_hub, make=not dry)
        needs = [need for each in trainer.callbacks if hasattr(each, "room") for need in each.room(trainer, module)]
        require_room(*needs, Room("the export", size, target.parent, "choose another --export.dirpath"))

    @progress.phase("exporting the model", announce=True)
    def export(self, trainer: Trainer, module: CausalLM) -> None:
        """Write the weights as they are now; every process must call it."""
        first = trainer.is_global_zero  # by every process gathered, by this one kept
        state = {name: tensor.cpu() for name, tensor in engine_weights(module) if first}
        adapter = {name: tensor.cpu() for name, tensor in adapter_weights(module) if first}
        if first:
            self._write(trainer, module, state, adapter)
        # One that went on would end, and whoever watches over the processes would end this one with it.
        trainer.strategy.barrier()

    def _write(self, trainer: Trainer, module: CausalLM, state: dict[str, Tensor], adapter: dict[str, Tensor]) -> None:
        target = self.path(trainer)
        kept = f"{RunCheckpoint.path(trainer)} is kept; make room and resume with --ckpt_path last"
        model = unwrapped(module.model)
        model.generation_config = saveable(model.generation_config)
        with replacing(target, kept if RunCheckpoint.path(trainer).exists() else "", _run(trainer)) as scratch:
            scratch.mkdir()
            model.save_pretrained(scratch, state_dict=state)
            if adapter:
                adapted: Any = module.model  # peft's
                if gguf.is_gguf(module.pretrained):  # and not emlit's cache of it
                    adapted.active_peft_config.base_model_name_or_path = module.pretrained
                # Else peft would ask the hub whether the vocabulary has grown.
                adapted.save_pretrained(scratch / "adapter", state_dict=adapter, save_embedding_layers=False)
                (scratch / "adapter/README.md").unlink(missing_ok=True)  # peft's form, with nothing filled in
            trainer.datamodule.tokenizer.save_pretrained(scratch)
            (scratch / "README.md").write_text(self._card(trainer, module))
            seal(scratch, run=_run(trainer), step=trainer.global_step)

    def _card(self, trainer: Trainer, module: CausalLM) -> str:
        data = trainer.datamodule
        guard = CollapseGuard.of(trainer)
        measured = next((each.summary for each in trainer.callbacks if isinstance(each, RunSummary)), None)
        settings = {
            "learning_rate": module.learning_rate, "weight_decay": module.weight_decay, "kl_weight": module.kl_weight,
            "prompts_per_round": data.prompts_per_round, "samples_per_prompt": data.samples_per_prompt,
            "updates_per_round": data.updates_per_round, "temperature": data.sampling.temperature,
            "max_tokens": data.sampling.max_tokens,
        }  # fmt: skip
        return model_card(
            module.pretrained, [module, *getattr(module, "plug_ins", [])],
            f"{len(data.train_prompts):,} of {data.train_prompts[0].task.name}",
            trainer.global_step if guard is None else guard.final_step(trainer), measured, module.lora is not None,
            settings,
        )  # fmt: skip

    def on_train_end(self, trainer: Trainer, pl_module: CausalLM) -> None:
        if self.enabled:
            self.export(trainer, pl_module)
            if trainer.is_global_zero:
                Terminal().named("model", self.path(trainer))
                if self.push_to_hub:
                    with progress.phase("pushing the model", announce=True):
                        hub.push(self.path(trainer), self.push_to_hub, f"Step {trainer.global_step}, by emlit")

    def on_exception(self, trainer: Trainer, pl_module: CausalLM, exception: BaseException) -> Any:
        if self.enabled and isinstance(exception, NonFiniteError):
            self.export(trainer, pl_module)


def _run(trainer: Trainer) -> str:
    """What tells the exports of this run from those of others."""
    return mark(Path(trainer.default_root_dir))
