"""TRL's side of `benchmarks.rl_step`: run by the Python of TRL's own virtual environment, imports nothing of emlit."""

import argparse
import json
import os
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

import torch
import transformers.models.qwen2.modeling_qwen2  # noqa: F401 (lazily imported otherwise, and counted as memory)
from datasets import Dataset
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from benchmarks.measure import measured

KINDS = {"rloo": (RLOOTrainer, RLOOConfig), "grpo": (GRPOTrainer, GRPOConfig)}


class Clock(TrainerCallback):
    """Seconds of each optimiser step, and what of it went where."""

    def __init__(self):
        self.steps, self.now = [], {}

    def add(self, name, seconds):
        self.now[name] = self.now.get(name, 0.0) + seconds

    def timed(self, name, function):
        def call(*args, **kwargs):
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.add(name, time.perf_counter() - start)

        return call

    def on_train_begin(self, args, state, control, **kwargs):
        self.last = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        now = time.perf_counter()
        spent = {name: self.now.get(name, 0.0) for name in ("generate", "prepare", "score", "train", "loss_score")}
        # Scoring passes happen while a batch is prepared, and again inside the loss; the latter is part of "train".
        forward_backward = spent["train"] - spent["prepare"] + spent["score"] - spent["loss_score"]
        self.steps.append(
            {"step": now - self.last, "generate": spent["generate"], "forward_backward": forward_backward, "sync": 0.0}
        )
        self.last, self.now = now, {}


def length_reward(completion_ids, **kwargs):
    """A reward that costs nothing: minus the number of tokens."""
    return [-float(len(ids)) for ids in completion_ids]


def run(arguments, clock, lengths):
    trainer_class, config_class = KINDS[arguments.trainer]
    batch = arguments.prompts * arguments.samples
    config = config_class(
        output_dir=os.path.join(arguments.model, "trl"), max_steps=arguments.steps, per_device_train_batch_size=batch,
        gradient_accumulation_steps=1, num_generations=arguments.samples, max_completion_length=arguments.tokens,
        learning_rate=1e-6, temperature=1.0, beta=0.0, report_to="none", save_strategy="no", logging_steps=1,
        bf16=False, use_cpu=not torch.cuda.is_available(), gradient_checkpointing=False, disable_tqdm=True, seed=0,
    )  # fmt: skip
    with open(os.path.join(arguments.model, "prompts.json")) as file:
        prompts = json.load(file)

    def reward(completion_ids, **kwargs):
        lengths.extend(len(ids) for ids in completion_ids)
        return length_reward(completion_ids)

    trainer = trainer_class(
        model=AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32),
        processing_class=PreTrainedTokenizerFast.from_pretrained(arguments.model, padding_side="left"),
        reward_funcs=reward,
        args=config,
        train_dataset=Dataset.from_dict({"prompt": prompts}),
        callbacks=[clock],
    )
    score = clock.timed("score", trainer._get_per_token_logps_and_entropies)
    trainer._get_per_token_logps_and_entropies = score
    trainer._generate = clock.timed("generate", trainer._generate)
    trainer._prepare_inputs = clock.timed("prepare", trainer._prepare_inputs)
    trainer.training_step = clock.timed("train", trainer.training_step)
    compute_loss = trainer.compute_loss

    def loss(*args, **kwargs):
        before = clock.now.get("score", 0.0)
        result = compute_loss(*args, **kwargs)
        clock.add("loss_score", clock.now.get("score", 0.0) - before)
        return result

    trainer.compute_loss = loss
    trainer.train()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainer", choices=list(KINDS), required=True)
    parser.add_argument("--model", required=True, help="directory with a model, a tokenizer and prompts.json")
    for name in ("prompts", "samples", "tokens", "steps", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock, lengths = Clock(), []
    found = measured(lambda: run(arguments, clock, lengths))
    print(json.dumps({"peak": found["peak"], "steps": clock.steps, "length": sum(lengths) / len(lengths)}))


if __name__ == "__main__":
    main()
