"""What two processes check of sharded models; started by test_shards.py, as `torchrun --nproc-per-node 2 -m ...`."""

import sys
from pathlib import Path

import torch
import torch.distributed as distributed
from safetensors.torch import save_file
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.device_mesh import init_device_mesh
from transformers import AutoConfig, AutoModelForCausalLM

from emlit import pretrained
from emlit.functional import Normaliser, token_weights
from emlit.parallel import Sharding, gathered, gradient_norm, take_over, within_forward
from emlit.policy.loading import load_policy
from emlit.policy.lora import LoRA
from emlit.policy.scoring import Scorer
from emlit.tiny import MODEL_DIR

CPU = torch.device("cpu")


def untied(folder: Path) -> str:
    """The tiny model with a head of its own, whose rows differ from the embeddings'."""
    path = folder / "untied"
    if distributed.get_rank() == 0:
        config = AutoConfig.from_pretrained(MODEL_DIR, tie_word_embeddings=False)
        model = AutoModelForCausalLM.from_config(config)
        state = AutoModelForCausalLM.from_pretrained(MODEL_DIR).state_dict()
        model.load_state_dict({**state, "lm_head.weight": 0.9 * state["lm_head.weight"]})
        model.save_pretrained(path)
    distributed.barrier()
    return str(path)


def sharding(**options) -> Sharding:
    return Sharding(init_device_mesh("cpu", (2,)), CPU, **options)


def rows(empty: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """This process's token ids and which of them are scored; other processes have others."""
    generator = torch.Generator().manual_seed(distributed.get_rank())
    tokens = torch.randint(5, 50, (0 if empty else 3, 12), generator=generator)
    scored = torch.zeros(tokens.shape, dtype=torch.bool)
    scored[:, 4:] = True
    return tokens, scored


def back_propagate(model: torch.nn.Module, tokens: torch.Tensor, scored: torch.Tensor) -> None:
    """Twice, as two micro-batches would: gradients add up."""
    model.zero_grad()
    scorer, weights = Scorer("torch"), token_weights(scored, "token_mean", Normaliser(48.0, 6.0))[scored]
    stats = scorer(model, tokens, scored, lambda found: found.stats(0.7))
    (stats.logprob.sum() / 48 - stats.entropy.sum() / 48).backward()
    loss, _ = scorer(model, tokens, scored, lambda found: found.entropy_loss(weights, 1.0))
    loss.backward()
    assert scorer.stops_at_hidden_states(model)


def the_head_equals_the_whole_one(path: str, **options) -> None:
    """log p, H and all gradients, of EM-FT's one-pass loss and of the stats, with an empty share on one process."""
    whole, model = load_policy(path, "float32"), load_policy(path, "float32", sharding=sharding(**options))
    for name, tensor in model.state_dict().items():
        assert torch.equal(gathered(tensor, CPU), whole.state_dict()[name]), name
    for empty in (False, distributed.get_rank() == 1):
        tokens, scored = rows(empty)
        for each in (whole, model):
            back_propagate(each, tokens, scored)
        for (name, own), other in zip(model.named_parameters(), whole.parameters(), strict=True):
            mean = other.grad.clone()
            distributed.all_reduce(mean)
            torch.testing.assert_close(gathered(own.grad, CPU), mean / 2, rtol=1e-5, atol=1e-6, msg=name)
            other.grad.copy_(mean / 2)
        assert abs(gradient_norm(model) - gradient_norm(whole)) < 1e-5 * gradient_norm(whole)


def each_process_reads_its_rows_alone(path: str) -> None:
    read, process = [], HuggingFaceStorageReader._process_read_request
    HuggingFaceStorageReader._process_read_request = lambda self, file, request, planner: (
        read.append(torch.Size(request.lengths).numel()),
        process(self, file, request, planner),
    )
    model = load_policy(path, "float32", sharding=sharding())
    HuggingFaceStorageReader._process_read_request = process
    mine = sum(parameter.to_local().numel() for parameter in model.parameters())
    total = sum(parameter.numel() for parameter in model.parameters())
    assert sum(read) == mine < 0.6 * total, (sum(read), mine, total)


def files_with_other_names_are_read_by_the_first_process(folder: Path) -> None:
    """As a checkpoint of the body alone has them, which transformers puts a prefix before."""
    path = folder / "renamed"
    whole = pretrained.load_model(str(MODEL_DIR))
    if distributed.get_rank() == 0:
        path.mkdir()
        whole.config.save_pretrained(path)
        state = {name.removeprefix("model."): value.clone() for name, value in whole.model.state_dict().items()}
        save_file(state, path / "model.safetensors", metadata={"format": "pt"})
    distributed.barrier()
    model = load_policy(str(path), "float32", sharding=sharding())
    for name, tensor in model.state_dict().items():
        assert torch.equal(gathered(tensor, CPU), whole.state_dict()[name]), name


def adapters_start_at_zero_and_a_whole_state_comes_back() -> None:
    model = load_policy("tiny", "float32", LoRA(r=4), sharding())
    state = {name: gathered(value, CPU).clone() for name, value in model.state_dict().items()}
    assert all(value.abs().sum() == 0 for name, value in state.items() if ".lora_B." in name)
    assert all(value.std() > 0.01 for name, value in state.items() if ".lora_A." in name)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.to_local().add_(1.0)
    take_over(state, model)
    for name, value in model.state_dict().items():
        assert torch.equal(gathered(value, CPU), state[name]), name


def what_is_computed_within_a_forward_sees_whole_weights(path: str) -> None:
    model = load_policy(path, "float32", sharding=sharding(compute_dtype=torch.bfloat16))
    dtype, shape, result = within_forward(
        model, lambda: (model.lm_head.weight.dtype, model.lm_head.weight.shape, model.lm_head.weight.float().sum())
    )
    assert dtype == torch.bfloat16
    result.backward()
    weight = model.lm_head.weight
    assert (weight.dtype, weight.grad.dtype, weight.shape) == (torch.float32, torch.float32, shape)
    assert weight.to_local().shape[0] < shape[0]


def main(folder: Path) -> None:
    distributed.init_process_group("gloo")
    torch.manual_seed(0)
    path = untied(folder)
    for each in ("tiny", path):
        the_head_equals_the_whole_one(each)
        each_process_reads_its_rows_alone(each)
        what_is_computed_within_a_forward_sees_whole_weights(each)
    the_head_equals_the_whole_one("tiny", cpu_offload=True)
    files_with_other_names_are_read_by_the_first_process(folder)
    adapters_start_at_zero_and_a_whole_state_comes_back()
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
