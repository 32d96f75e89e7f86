"""Strategies over a sampler that answers from a list."""

import pytest

from emlit.decoding import PRESETS, AdaptiveTemperature, EntropyScaledTemperature, LocallyTypical
from emlit.engines import Completion, Sampling
from emlit.errors import ConfigError
from emlit.rollout import Prompt
from emlit.strategies import Ask, IterativeRefinement, Reply, Sampled, SelfConsistency, TemperatureSweep
from emlit.tasks import Row, Task
from tests.own_decoding import Typical


class Sums(Task):
    name = "sums"

    def rows(self) -> list[Row]:
        return [Row("a", "1 + 1", "2")]


class Recorder:
    """Replies in the order of a list; None where the list says so."""

    def __init__(self, *texts: str | None) -> None:
        self.texts = list(texts)
        self.asked: list[Ask] = []

    def __call__(self, asks):
        self.asked += asks
        return [self._reply(self.texts.pop(0)) for _ in asks]

    @staticmethod
    def _reply(text: str | None) -> Reply | None:
        return None if text is None else Reply([1, 2, 3], Completion(list(range(len(text))), None, "stop"), text)


def ask(task: Task | None = None) -> Ask:
    task = task or Sums()
    return Ask(Prompt(task, task.rows()[0], [1, 2, 3]), 0)


def only(strategy, sampler, *asks):
    return [turn for turns in strategy.answer(asks or [ask()], sampler) for turn in turns]


def test_sampled():
    turn = only(Sampled(), Recorder("the answer is 2"))[0]
    assert turn.reply.text == "the answer is 2"
    assert (turn.prompt_tokens, turn.sampled_tokens) == (3, 15)


def test_votes_elect_the_most_frequent_answer():
    sampler = Recorder(r"\boxed{3}", r"\boxed{2}", r"\boxed{2.0}", "no idea")
    turn = only(SelfConsistency(votes=4), sampler)[0]
    assert turn.reply.text == r"\boxed{2}"  # the first of those that agree by meaning
    assert turn.sampled_tokens == 9 + 9 + 11 + 7
    assert turn.prompt_tokens == 3  # the prompt is shared
    assert [each.sample for each in sampler.asked] == [0, 1, 2, 3]


def test_among_equals_the_first_answer_wins_and_silence_is_kept():
    assert only(SelfConsistency(votes=2), Recorder(r"\boxed{3}", r"\boxed{2}"))[0].reply.text == r"\boxed{3}"
    assert only(SelfConsistency(votes=2), Recorder("no", "idea"))[0].reply.text == "no"


def test_votes_of_different_samples_are_different():
    first, sampler = ask(), Recorder(*["x"] * 6)
    only(SelfConsistency(votes=3), sampler, first, Ask(first.prompt, 1))
    assert [each.sample for each in sampler.asked] == [0, 1, 2, 3, 4, 5]


def test_the_label_has_no_say_in_a_vote():
    class Cheat(Sums):
        def grade(self, row, completion):
            assert row.answer is None
            return super().grade(row, completion)

    only(SelfConsistency(votes=2), Recorder("a", "b"), ask(Cheat()))


def test_refinement_shows_the_draft_and_an_instruction():
    sampler = Recorder("first", "second", "third!")
    turn = only(IterativeRefinement(drafts=3, instruction="Again."), sampler)[0]
    assert turn.reply.text == "third!"
    assert (turn.prompt_tokens, turn.sampled_tokens) == (9, 5 + 6 + 6)
    assert sampler.asked[2].messages == [
        {"role": "user", "content": "1 + 1"},
        {"role": "assistant", "content": "second"},
        {"role": "user", "content": "Again."},
    ]
    assert [each.draft for each in sampler.asked] == [0, 1, 2]  # so that each has a seed of its own
    assert [each.room for each in sampler.asked] == [1, 5, 6]  # at least as long as the draft before


def test_a_conversation_that_outgrows_the_context_keeps_its_draft():
    turn = only(IterativeRefinement(drafts=3), Recorder("first", None, None))[0]
    assert turn.reply.text == "first"


def test_several_turns():
    class Steps(Sums):
        def next_messages(self, row, replies):
            return [{"role": "user", "content": f"after {replies[-1]}"}] if len(replies) < 3 else None

    sampler = Recorder("one", "uno", "two", "due", "three", "drei")
    turns = Sampled().answer([ask(Steps()), ask(Steps())], sampler)
    assert [[turn.reply.text for turn in each] for each in turns] == [["one", "two", "three"], ["uno", "due", "drei"]]
    assert [each.turn for each in sampler.asked] == [0, 0, 1, 1, 2, 2]
    assert sampler.asked[3].conversation() == [{"role": "user", "content": "after uno"}]
    assert [len(each) for each in Sampled().answer([ask(Steps())], Recorder("one", None))] == [1]  # cut short


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        (Sampled(), "T=1"),
        (Sampled(temperature=0), "greedy"),
        (Sampled(temperature=0.5, min_p=0.1), "T=0.5, min-p 0.1"),
        (Sampled(em_inf="paper"), "EM-INF (paper), T=1"),
        (Sampled(decoding=PRESETS["released"]), "EM-INF (released), T=1"),
        (Sampled(decoding=AdaptiveTemperature(0.4)), "adaptive temperature 0.4, T=1"),
        (Sampled(decoding=LocallyTypical(0.9)), "locally typical 0.9, T=1"),
        (Sampled(decoding=EntropyScaledTemperature(0.6, 2.0)), "entropy-scaled temperature 0.05 around 0.6, T=1"),
        (Sampled(decoding=Typical(0.8)), "typical (keep 0.8), T=1"),
        (SelfConsistency(em_inf="released"), "self-consistency of 4 + EM-INF (released), T=1"),
        (IterativeRefinement(temperature=0.2), "refinement, 3 drafts, T=0.2"),
        (Sampled(name="mine"), "mine"),
    ],
)
def test_names(strategy, name):
    assert strategy.name(Sampling()) == name


def test_greedy_is_asked_once():
    assert Sampled(temperature=0).samples(Sampling(), 16) == 1
    assert Sampled(temperature=0, samples=2).samples(Sampling(), 16) == 2
    assert Sampled().samples(Sampling(temperature=0), 16) == 1
    assert Sampled().samples(Sampling(), 16) == 16


def test_a_sweep_is_its_members():
    members = TemperatureSweep(temperatures=[0.3, 0.7], em_inf="released").expand()
    assert [each.name(Sampling()) for each in members] == ["EM-INF (released), T=0.3", "EM-INF (released), T=0.7"]


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: Sampled(temperature=-1), "temperature"),
        (lambda: Sampled(min_p=2), "min_p"),
        (lambda: Sampled(em_inf="paper", decoding=AdaptiveTemperature()), "em_inf and decoding"),
        (lambda: Sampled(em_inf="mine"), "em_inf"),
        (lambda: Sampled(samples=0), "samples"),
        (lambda: Sampled(name=" "), "name"),
        (lambda: SelfConsistency(votes=1), "votes"),
        (lambda: SelfConsistency(temperature=0), "temperature"),
        (lambda: SelfConsistency().sampling(Sampling(temperature=0)), "temperature"),
        (lambda: IterativeRefinement(drafts=1), "drafts"),
        (lambda: IterativeRefinement(instruction=""), "instruction"),
        (lambda: Sampled(temperature=0, em_inf="paper"), "no decoding asked"),
        (lambda: TemperatureSweep(temperatures=[]), "temperatures"),
        (lambda: TemperatureSweep(temperatures=[1.0], temperature=1.0), "both set"),
        (lambda: TemperatureSweep(temperatures=[1.0, 1.0]), "temperatures"),
        (lambda: TemperatureSweep(temperatures=[1.0], name="x"), "name"),
    ],
)
def test_bad_settings_are_one_sentence(make, key):
    with pytest.raises(ConfigError, match=key):
        make()
