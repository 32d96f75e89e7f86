"""The seam between the stream and its rollouts, and more votes than trained completions."""

import math
from collections.abc import Sequence

import pytest
import torch

from emlit.engines import ModelSource, TransformersEngine
from emlit.modules import EMFT, EMRL
from emlit.records import Completion, Group
from emlit.rewards import SEEDGRPO, EMPOReward, MajorityReward, VoteFractionReward
from emlit.rollout import collate, partition
from emlit.rollouts import Branch, Rollouts, SampledRound, TrainedRound, VoteMore
from emlit.samples.sample import sample_of
from emlit.tiny import MODEL_DIR
from tests.conftest import make_batch
from tests.unit.modules.test_objectives import gradient, ready
from tests.unit.rewards.test_answers import answered, rewarded
from tests.unit.rollout.rollouts import Numbers, described, make_stream, resumed_is_the_same, rounds
from tests.unit.rollout.test_stream import Echo


class SecondHalf(Rollouts):
    """Half of the completions are continued anew from their middle."""

    waves = 2

    def first(self, samples: int) -> int:
        return samples // 2

    def more(self, sampled: SampledRound) -> Sequence[Branch]:
        return [
            Branch(number, completion.tokens[:2], 0.7 if number else None)
            for number, group in enumerate(sampled.groups)
            for completion in group.completions
        ]


def test_without_rollouts_nothing_changes(tokenizer):
    plain, default = make_stream(tokenizer, None), make_stream(tokenizer, Rollouts())
    assert described(sum(rounds(plain, 3), [])) == described(sum(rounds(default, 3), []))
    assert plain.engine.seen == default.engine.seen
    assert plain.state_dict() == default.state_dict() == {"round": 3, "prompts": "8 prompts"}


def test_given_tokens_are_read_and_not_trained_on(tokenizer):
    stream = make_stream(tokenizer, SecondHalf(), samples=2, micro_batches=1)
    ((batch,),) = rounds(stream, 1)
    for number, group in enumerate(batch.groups):
        root, branch = group.completions
        assert (root.given, branch.given) == (0, 2)
        assert branch.tokens[:2] == root.tokens[:2]
        assert branch.tokens[2:] != root.tokens
        assert group.texts[1] == tokenizer.decode(branch.tokens, skip_special_tokens=True)
        row = 2 * number + 1  # after a prompt of 2
        assert batch.tokens[row].tolist() == group.prompt.tokens + branch.tokens
        assert batch.completion_mask[row].tolist() == [False] * 4 + [True] * 5
        assert batch.sampler_logprobs[row].tolist() == pytest.approx([0] * 4 + [-0.1, -0.2, -0.3, -0.4, -0.5])
    assert batch.normaliser == (4 * (5 + 5), 8)  # only what was sampled


def test_a_wave_asks_once_a_temperature(tokenizer):
    stream = make_stream(tokenizer, SecondHalf(), samples=2)
    rounds(stream, 1)
    assert stream.engine.temperatures == [1.0] * 4 + [1.0] + [0.7] * 3
    assert stream.engine.seen[4].prompt == stream.engine.seen[0].prompt + stream.engine.completion(
        stream.engine.seen[0].seed
    ).tokens[:2]  # fmt: skip
    assert len({request.seed for request in stream.engine.seen}) == 8


def test_waves_follow_from_the_seed(tokenizer):
    one, other = (make_stream(tokenizer, SecondHalf(), samples=4) for _ in range(2))
    assert described(sum(rounds(one, 3), [])) == described(sum(rounds(other, 3), []))
    resumed_is_the_same(tokenizer, SecondHalf, 2, 2)


def test_ranks_ask_what_one_process_asks(tokenizer):
    whole = make_stream(tokenizer, SecondHalf())
    parts = [make_stream(tokenizer, SecondHalf(), rank=rank, ranks=2) for rank in range(2)]
    for stream in (whole, *parts):
        rounds(stream, 2)
    assert sorted(request.seed for request in whole.engine.seen) == sorted(
        request.seed for stream in parts for request in stream.engine.seen
    )


def test_several_updates_of_several_waves(tokenizer):
    ((*batches,),) = rounds(make_stream(tokenizer, SecondHalf(), updates=2, micro_batches=1), 1)
    assert [batch.ends_round for batch in batches] == [False, True]
    assert {tuple(batch.normaliser) for batch in batches} == {(2 * 4 * 5, 8)}


def test_a_wrong_number_of_completions_is_told(tokenizer):
    class Fewer(Rollouts):
        def train(self, sampled: SampledRound) -> TrainedRound:
            return TrainedRound([(place, g.take([0])) for place, g in zip(sampled.places, sampled.groups, strict=True)])

    with pytest.raises(ValueError, match="Fewer trains on 1 completions of a group where there must be 4"):
        rounds(make_stream(tokenizer, Fewer()), 1)


def test_truncated_branches_are_left_out_where_asked(tokenizer):
    class Cut(Numbers):
        def completion(self, seed):
            whole = super().completion(seed)
            return whole if len(self.seen) <= 8 else Completion(whole.tokens[:3], whole.logprobs[:3], "length")

    ((batch,),) = rounds(make_stream(tokenizer, SecondHalf(), engine=Cut(), mask_truncated=True, micro_batches=1), 1)
    assert batch.normaliser == (8 * 5, 8)  # the roots alone
    assert batch.loss_mask.sum() == 8 * 5
    assert batch.completion_mask.sum() == 8 * 5 + 8 * 3


@pytest.mark.parametrize("room", [1, 3])
def test_a_prefix_up_to_the_context_leaves_room_for_a_token(room, tokenizer):
    class LateCut(Rollouts):
        waves = 2

        def first(self, samples: int) -> int:
            return samples // 2

        def more(self, sampled: SampledRound) -> list[Branch]:
            return [
                Branch(number, completion.tokens[: max(0, len(completion.tokens) - room)])
                for number, group in enumerate(sampled.groups)
                for completion in group.completions
            ]

    engine = TransformersEngine(device="cpu")
    engine.start(ModelSource(str(MODEL_DIR), 16, (1,)))
    (batches,) = rounds(make_stream(tokenizer, LateCut(), engine=engine), 1)
    for group in (group for batch in batches for group in batch.groups):
        for completion in group.completions:
            assert completion.sampled >= 1
            assert len(group.prompt.tokens) + len(completion.tokens) <= 16


def with_branches() -> list[Group]:
    groups = []
    for prompt in ([5, 6, 7, 8], [3], [12, 13]):
        whole = Completion([9, 10, 11, 1], [-0.5] * 4, "stop")
        branch = Completion([9, 10, 4, 4, 1], [0.0, 0.0, -0.5, -0.5, -0.5], "stop", given=2)
        groups.append(Group(answered().prompt.__class__(answered().prompt.task, answered().prompt.row, prompt),
                            [whole, branch], [r"\boxed{1}", r"\boxed{2}"]))  # fmt: skip
    return groups


@pytest.mark.parametrize("make", [EMFT, lambda: EMRL(kl_weight=0.0)])
def test_the_gradient_of_branches_does_not_depend_on_the_cut(make):
    groups = with_branches()
    tokens = float(sum(c.sampled for group in groups for c in group.completions))
    whole = make_batch(groups)
    whole = collate(groups, 0, whole.normaliser._replace(tokens=tokens), 1.0, False, 0, 0, 2)
    parts = [collate(piece, 0, whole.normaliser, 1.0, False, 0, 0, 2) for piece in partition(groups, 3)]
    one, other = (gradient(ready(make(), micro_batches=len(cut)), cut) for cut in ([whole], parts))
    assert any(value.abs().max() > 0 for value in one.values())
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-8)


def test_a_branch_costs_what_its_sampled_tokens_cost():
    """EM-FT's loss of a branch alone is the mean entropy of its sampled tokens, read after prompt and prefix."""
    (group, *_) = with_branches()
    branch = group.take([1])
    module = ready(EMFT())
    batch = collate([branch], 0, make_batch([branch]).normaliser._replace(tokens=3.0), 1.0, False, 0, 0, 1)
    found = module.training_step(batch)
    tokens = torch.tensor([group.prompt.tokens + branch.completions[0].tokens])
    logp = torch.log_softmax(module.model(tokens).logits[0], dim=-1)
    first = len(group.prompt.tokens) + 2
    expected = -(logp.exp() * logp).sum(dim=-1)[first - 1 : first + 2].mean()
    torch.testing.assert_close(found, expected)


def test_a_sample_shows_what_was_given_as_input(tokenizer):
    (group, *_) = with_branches()
    module = ready(EMFT())
    module.training_step(collate([group], 0, make_batch([group]).normaliser, 1.0, False, 0, 0, 2))
    sample = sample_of(1, module.step_output, 0, 1, tokenizer, 100)
    assert (len(sample.tokens), sample.length) == (3, 3)
    assert sample.input == tokenizer.decode([*group.prompt.tokens, 9, 10])


# VoteMore


def test_votes_are_judged_and_not_trained_on(tokenizer):
    class Split(Echo):
        """Of each prompt's six completions the last four say 7."""

        def generate(self, requests, sampling, on_finished=None):
            self.seen.extend(requests)
            return [Completion([18 + (1 if i % 6 < 2 else 7), 1], [-0.1] * 2, "stop") for i in range(len(requests))]

    stream = make_stream(tokenizer, VoteMore(6), samples=2, engine=Split(), micro_batches=1)
    ((batch,),) = rounds(stream, 1)
    assert len(stream.engine.seen) == 4 * 6
    assert batch.tokens.shape[0] == 4 * 2
    assert batch.normaliser == (4 * 2 * 2, 8)
    assert all(list(group.texts) == ["1", "1"] and list(group.vote_texts) == ["7"] * 4 for group in batch.groups)


def test_the_majority_by_hand():
    def voted(texts, votes):
        group = answered(*texts, label=None)
        return Group(group.prompt, group.completions, group.texts, votes=group.completions[:1] * len(votes),
                     vote_texts=votes)  # fmt: skip

    one, two, silent = r"\boxed{1}", r"\boxed{2}", "no answer"
    reward = MajorityReward()
    assert rewarded(reward, answered(one, two, two, silent, label=None)) == [0, 1, 1, 0]
    assert rewarded(reward, answered(silent, silent, two, label=None)) == [0, 0, 1]  # silence cannot win
    assert rewarded(reward, answered(silent, silent, label=None)) == [0, 0]
    assert rewarded(reward, answered(two, one, two, one, label=None)) == [1, 0, 1, 0]  # ties to the first seen
    assert rewarded(reward, answered(one, r"\boxed{1.0}", two, label=None)) == [1, 1, 0]
    assert rewarded(reward, answered(one, one, label=None)) == [1, 1]
    voting = voted((one, two), (two, two, silent))
    assert rewarded(reward, voting) == [0, 1]
    assert rewarded(reward, voted((one, one), (two, two, two))) == [0, 0]
    # Other votes count them, too: 1 of 5 and 3 of 5.
    assert rewarded(VoteFractionReward(), voting) == pytest.approx([0.2, 0.6])
    assert rewarded(EMPOReward(), voting) == pytest.approx([0.2, 0.6])
    assert len(voting.grades) == 2
    assert voting.semantic_entropy() == pytest.approx(0.6 * math.log(1 / 0.6) + 0.4 * math.log(5))
    # Silence and 1 and 3 x 2 among 5: the share of ln 5, not of ln 2.
    factor = 1 - 0.5 * voting.semantic_entropy() / math.log(5)
    found = SEEDGRPO()(torch.tensor([[0.0, 1.0]]), make_batch([voting]), None)
    assert found.flatten().tolist() == pytest.approx([-0.5 * factor, 0.5 * factor])


def test_votes_are_sampled_ahead(tokenizer):
    class Elsewhere(Numbers):
        samples_elsewhere = True

    plain = make_stream(tokenizer, VoteMore(6))
    ahead = make_stream(tokenizer, VoteMore(6), engine=Elsewhere(), has_round=lambda number: number < 3)
    for one, other in zip(rounds(plain, 3), rounds(ahead, 3), strict=True):
        for batch, same in zip(one, other, strict=True):
            assert torch.equal(batch.tokens, same.tokens)
            assert [group.vote_texts for group in batch.groups] == [group.vote_texts for group in same.groups]
    assert plain.engine.seen == ahead.engine.seen


def test_as_many_votes_as_completions_are_the_default(tokenizer):
    plain, voting = make_stream(tokenizer, None), make_stream(tokenizer, VoteMore(4))
    assert described(sum(rounds(plain, 2), [])) == described(sum(rounds(voting, 2), []))
    resumed_is_the_same(tokenizer, lambda: VoteMore(6), 1, 2)
