"""Particles over a sampler that knows what each of them says."""

import math
from dataclasses import replace

import pytest

from emlit.engines import Completion, Sampling
from emlit.errors import ConfigError, EngineError
from emlit.strategies import Ask, ParticleFiltering, Reply
from emlit.strategies.particle_filtering import step_weight
from tests.unit.strategies.test_strategies import Sums, ask

HOW = Sampling(max_tokens=32)


class Script:
    """Says for each step what the particles of a slot say: a text and the log-probability of each of its letters."""

    def __init__(self, *steps: list[tuple[str, float, str] | None]) -> None:
        self.steps, self.asked = list(steps), []

    def __call__(self, asks: list[Ask]) -> list[Reply | None]:
        self.asked.append(asks)
        return [self._reply(each, self.steps[each.draft][each.sample]) for each in asks]

    @staticmethod
    def _reply(asked: Ask, said) -> Reply | None:
        if said is None:
            return None
        text, logprob, reason = said
        before = "".join(map(chr, asked.given))
        completion = Completion([ord(letter) for letter in text], [logprob] * len(text), reason)
        return Reply([1, 2, *asked.given], completion, before + text)


def asked(sampling: Sampling | None = HOW) -> Ask:
    return replace(ask(), sampling=sampling)


def only(strategy: ParticleFiltering, script: Script, *asks: Ask):
    return strategy.turn(list(asks) or [asked()], script)[0]


def test_the_log_odds_of_a_step():
    assert step_weight(math.log(0.8), "odds") == pytest.approx(math.log(4))
    assert step_weight(math.log(0.8), "probability") == pytest.approx(math.log(0.8))
    sure, lost = math.log((1 - 1e-7) / 1e-7), math.log(1e-7 / (1 - 1e-7))
    assert step_weight(0.0, "odds") == pytest.approx(sure)
    for logprob in (-math.inf, math.nan, -1e5):
        assert step_weight(logprob, "odds") == pytest.approx(lost)
        assert math.isfinite(step_weight(logprob, "probability"))


def test_the_sure_particle_goes_on_and_the_other_does_not():
    script = Script(
        [("a\n\n", -0.001, "stop"), ("b\n\n", -3.0, "stop")],
        [("x", -0.5, "stop"), ("y", -0.4, "stop")],
    )
    turn = only(ParticleFiltering(particles=2, steps=2), script)
    # s = 0.999 has odds of 1000, s = 0.05 of 0.05; t / T is 1/2, where nothing is flattened any more.
    assert [each.given for each in script.asked[1]] == [list(map(ord, "a\n\n"))] * 2
    assert turn.reply.text == "a\n\ny"  # the greater weight of the last step
    assert turn.reply.completion == Completion(list(map(ord, "a\n\ny")), [-0.001] * 3 + [-0.4], "stop")
    assert turn.reply.prompt == [1, 2]
    assert (turn.prompt_tokens, turn.sampled_tokens) == (2, 3 + 3 + 1 + 1)


def test_how_steps_are_asked_for():
    script = Script([("abcdefgh", -1.0, "length")] * 2, [("i\n\n", -1.0, "stop")] * 2, [("\n\nj", -1.0, "stop")] * 2)
    turn = only(ParticleFiltering(particles=2, steps=3, step_tokens=8), script)
    first, second, last = (step[0] for step in script.asked)
    assert (first.sampling.max_tokens, first.sampling.stop) == (8, ["\n\n"])
    assert second.sampling == first.sampling
    assert (last.sampling.max_tokens, last.sampling.stop) == (32 - 2 * 8, [])
    assert [each.draft for each in (first, second, last)] == [0, 1, 2]  # so that each has a seed of its own
    assert [each.sample for each in script.asked[0]] == [0, 1]
    assert turn.reply.completion.finish_reason == "stop"  # the last step may have the stop string in it
    assert turn.reply.text == "abcdefghi\n\n\n\nj"


def test_particles_that_have_ended_are_drawn_with_the_others_and_not_asked_again():
    script = Script(
        [("done", -0.001, "stop"), ("b\n\n", -3.0, "stop"), ("c\n\n", -3.0, "stop")],
        [None] * 3,
    )
    turn = only(ParticleFiltering(particles=3, steps=2), script)
    assert len(script.asked) == 1  # only copies of the one that is done are left
    assert turn.reply.text == "done"


def test_a_particle_cut_at_max_tokens_counts_where_all_are():
    cut, done = ("long", -0.001, "length"), ("word", -5.0, "stop")
    equal = [("a\n\n", -1.0, "stop")] * 2
    assert only(ParticleFiltering(particles=2, steps=2), Script(equal, [cut, done])).reply.text == "a\n\nword"
    turn = only(ParticleFiltering(particles=2, steps=2), Script(equal, [cut, cut]))
    assert turn.reply.completion.finish_reason == "length"
    full = Script(equal, [None, None])  # the context is full
    turn = only(ParticleFiltering(particles=2, steps=2), full)
    assert (turn.reply.text, turn.reply.completion.finish_reason) == ("a\n\n", "length")


def test_among_equals_the_first_counts_and_every_one_is_drawn_once():
    script = Script([(f"{name}\n\n", -1.0, "stop") for name in "abcd"], [("z", -1.0, "stop")] * 4)
    turn = only(ParticleFiltering(particles=4, steps=2), script)
    assert [chr(each.given[0]) for each in script.asked[1]] == list("abcd")
    assert turn.reply.text == "a\n\nz"


def test_an_end_token_behind_a_line_is_no_step():
    own = replace(HOW, stop=["END"])
    script = Script([("a\n", -1.0, "stop"), ("b END\n\n", -1.0, "stop")])
    only(ParticleFiltering(particles=2, steps=2), script, asked(own))
    assert len(script.asked) == 1
    assert script.asked[0][0].sampling.stop == ["END", "\n\n"]


def test_problems_do_not_depend_on_each_other_and_a_full_context_is_none():
    steps = [[("a\n\n", -0.1, "stop"), ("b\n\n", -0.3, "stop")] * 2, [("x", -0.5, "stop"), ("y", -0.4, "stop")] * 2]
    strategy = ParticleFiltering(particles=2, steps=2)
    alone = strategy.turn([asked()], Script(*steps))[0]
    other = replace(asked(), sample=1)
    assert strategy.turn([asked(), other], Script(*steps))[0] == alone
    assert strategy.turn([other, asked()], Script(*steps))[1] == alone
    assert only(strategy, Script([None, None])) is None


def test_replayed_completions_have_no_weight():
    class Replayed(Script):
        def _reply(self, asked, said):
            return Reply([1], Completion([5], None, "stop"), "x")

    with pytest.raises(EngineError, match="ParticleFiltering needs log-probabilities, which completions that were not"):
        only(ParticleFiltering(), Replayed([None] * 4))


def test_names_and_defaults():
    assert ParticleFiltering().name(HOW) == "particle filtering of 4, 8 steps, T=1"
    assert ParticleFiltering().suits(Sums())
    script = Script([("a", -1.0, "stop")] * 4)
    only(ParticleFiltering(), script)
    assert script.asked[0][0].sampling.max_tokens == 4  # 32 / 8


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ParticleFiltering(particles=1), "particles is 1; it must be at least 2"),
        (lambda: ParticleFiltering(steps=1), "steps is 1; it must be at least 2"),
        (lambda: ParticleFiltering(step_tokens=0), "step_tokens is 0; it must be at least 1"),
        (lambda: ParticleFiltering(stop=""), "stop is empty"),
        (lambda: ParticleFiltering(weight="logit"), "weight is 'logit'; it must be odds or probability"),
        (lambda: ParticleFiltering().name(Sampling(temperature=0)), "temperature is 0, where ParticleFiltering has"),
        (lambda: ParticleFiltering(step_tokens=8, steps=5).settings(HOW), "max_tokens is 32, but .* may take 32"),
        (lambda: ParticleFiltering().settings(Sampling(max_tokens=6)), "max_tokens is 6, but"),
    ],
)
def test_bad_settings(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()
