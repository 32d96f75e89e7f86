"""Strategies that ask more than once, on the embedded reasoner: the same answers again, and after a kill."""

import json

import pytest

from emlit.sampled_completions import SampledCompletions
from tests.runs.test_runs import predict

STRATEGIES = [
    {"class_path": "emlit.strategies.ParticleFiltering",
     "init_args": {"particles": 3, "steps": 4, "step_tokens": 6, "stop": "\n"}},
    {"class_path": "emlit.strategies.DiffAdapt", "init_args": {"easy": 0.2, "hard": 0.7, "draft_tokens": 6}},
]  # fmt: skip
ARGUMENTS = (
    "--trainer.callbacks=null",
    "--data.engine=TransformersEngine",
    f"--data.strategies={json.dumps(STRATEGIES)}",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return predict(tmp_path_factory.mktemp("whole"), *ARGUMENTS)


def test_what_they_answer(whole):
    particles = [each for each in whole if each.decoding.startswith("particle")]
    assert len(particles) == len(whole) / 2
    assert all(each.sampled_tokens > each.tokens for each in whole)  # dropped particles, and drafts
    assert all("<|im_end|>" not in each.completion for each in whole)
    assert sum(each.format_ok for each in particles) > 0.9 * len(particles)


def test_a_run_that_was_killed_inside_a_batch_gives_the_same(whole, tmp_path, monkeypatch):
    add, kept = SampledCompletions.add, []

    def dies(self, decoding, *args, **kwargs):
        if len(kept) == 40:  # inside of a later step
            raise KeyboardInterrupt
        add(self, decoding, *args, **kwargs)
        kept.append(decoding)

    monkeypatch.setattr(SampledCompletions, "add", dies)
    with pytest.raises(SystemExit):
        predict(tmp_path, *ARGUMENTS)
    monkeypatch.setattr(SampledCompletions, "add", add)
    assert predict(tmp_path, *ARGUMENTS) == whole
