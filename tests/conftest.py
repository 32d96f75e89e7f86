"""What tests share: the tiny model's tokenizer, and rollouts made by hand."""

import gc
import logging
import os
import signal
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
if "PYTEST_XDIST_WORKER" in os.environ:  # each has its share of the cores, and vLLM would bind all to the first ones
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # which torch reads when it is imported
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")

import pytest
import torch

from emlit.engines import Completion
from emlit.functional import Normaliser
from emlit.pretrained import load_tokenizer
from emlit.rollout import Group, Prompt, RolloutBatch, collate
from emlit.tasks import Row, TinyArithmetic
from emlit.tiny import MODEL_DIR

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells have it for what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # under nohup, which the programs that tests start would inherit
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

NIGHTLY = Path(__file__).with_name("nightly")
ONE_SERVER = ("test_engines.py", "test_vllm_server.py")  # of tests/runs


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """As `--dist loadfile`, and the files that share a server are one. (`loadgroup` does nothing with pytest 9.2.)"""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "server" if file.endswith(ONE_SERVER) else file

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if NIGHTLY in item.path.parents:
            item.add_marker(pytest.mark.nightly)
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu") is not None:  # keywords have the names of folders, too
                item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def pytest_collection() -> None:
    gc.disable()  # until all is collected: a million objects are made that stay


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # else nanobind takes them for leaks


@pytest.fixture(autouse=True)
def warnings_are_heard():
    """Whatever level a library, or a program run in the process, has left behind."""
    logging.root.setLevel(logging.WARNING)
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def tokenizer():
    return load_tokenizer(str(MODEL_DIR))


def make_group(prompt: list[int], completions: list[list[int]], answer: str | None = "1") -> Group:
    """A group of hand-written completions, with made-up sampler log-probabilities."""
    row = Row(id=str(prompt), prompt="p", answer=answer)
    sampled = [Completion(tokens, [-0.5] * len(tokens), "stop") for tokens in completions]
    return Group(Prompt(TinyArithmetic("train", n=1), row, prompt), sampled, ["text"] * len(sampled))


def make_batch(
    groups: list[Group],
    pad_token_id: int = 0,
    normaliser: Normaliser | None = None,
    mask_truncated: bool = False,
) -> RolloutBatch:
    completions = [completion for group in groups for completion in group.completions]
    lengths = [len(each.tokens) for each in completions if not (mask_truncated and each.finish_reason == "length")]
    whole = normaliser or Normaliser(float(sum(lengths)), float(len(lengths)))
    return collate(
        groups, pad_token_id, whole, temperature=1.0, filtered=False, round=0, weights_version=0,
        samples_per_prompt=len(groups[0].completions), mask_truncated=mask_truncated,
    )  # fmt: skip


@pytest.fixture
def run_sentence(capsys):
    """Run something that must end in one of emlit's errors, or with another exit status; return its sentence."""

    def run(function, *arguments, status: int = 2, **options) -> str:
        with pytest.raises(SystemExit) as caught:
            function(*arguments, **options)
        assert caught.value.code == status
        return capsys.readouterr().err.strip().splitlines()[-1]

    return run
