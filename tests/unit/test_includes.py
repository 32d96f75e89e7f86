"""`include`: configs made of others, for the command line, its key check, the plan and the server alike."""

from pathlib import Path

import pytest
import yaml

from emlit import serve
from emlit.command_line import _config_name
from emlit.errors import ConfigError
from emlit.includes import config_parts
from emlit.keys import evaluates_another_set, unknown_key
from emlit.plan.command import fit_arguments

RL = {
    "model": {
        "class_path": "emlit.modules.EMRL",
        "init_args": {
            "learning_rate": 1e-5,
            "reward": {"class_path": "emlit.rewards.TokenEntropyReward", "init_args": {"reduction": "sum"}},
        },
    },
    "data": {"prompts_per_round": 512, "samples_per_prompt": 4},
}


@pytest.fixture
def write(tmp_path):
    """Write a config below tmp_path; its path."""

    def written(name: str, content) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return written


@pytest.fixture
def recipe(write):
    """A config that includes a method and a model, of which the model's keys come later."""
    write("methods/rl.yaml", RL)
    write("models/small.yaml", {"model": {"init_args": {"pretrained": "tiny"}}, "data": {"prompts_per_round": 128}})
    return write("small/rl.yaml", {"include": ["../methods/rl.yaml", "../models/small.yaml"], "data": {"context": 512}})


def test_later_files_win_and_the_file_itself_is_last(recipe, write):
    overlay = write("overlay.yaml", {"include": ["small/rl.yaml"], "data": {"context": 256, "samples_per_prompt": 8}})
    last = write("last.yaml", {"data": {"samples_per_prompt": 2}})
    found = fit_arguments([f"--config={overlay}", f"--config={last}", "--model.learning_rate=2e-5"])
    data, model = found.data, found.model.init_args
    assert (data.context, data.prompts_per_round, data.samples_per_prompt) == (256, 128, 2)
    assert (model.pretrained, model.learning_rate, model.reward.init_args.reduction) == ("tiny", 2e-5, "sum")
    assert [Path(str(file)).name for file in found.config] == ["overlay.yaml", "last.yaml"]
    assert _config_name(found.config) == "overlay"
    assert "include" not in found
    merged = serve.read([str(overlay), str(last)])
    assert merged["data"] == {"context": 256, "prompts_per_round": 128, "samples_per_prompt": 2}
    assert merged["model"]["init_args"]["pretrained"] == "tiny"
    assert "include" not in merged


def test_values_keep_their_types(write):
    write("rl.yaml", RL)
    text = "include: [rl.yaml]\nmodel: {init_args: {pretrained: '1e5'}}\ndata: {sampling: {stop: ['1e5', 'no', '']}}\n"
    found = fit_arguments([f"--config={write('typed.yaml', text)}", "--data.context=64"])
    assert found.data.sampling.stop == ["1e5", "no", ""]
    assert found.model.init_args.pretrained == "1e5"


def test_a_class_over_that_of_an_included_file_starts_from_its_own_defaults(recipe, write):
    mine = write(
        "mine.yaml",
        {
            "include": ["small/rl.yaml"],
            "model": {"init_args": {"reward": {"class_path": "emlit.rewards.SequenceLogProbReward"}}},
        },
    )
    other = write("other.yaml", {"include": ["mine.yaml"], "model": {"class_path": "emlit.modules.EMFT"}})
    reward = fit_arguments([f"--config={mine}"]).model.init_args.reward
    assert (reward.class_path, reward.init_args.reduction) == ("emlit.rewards.SequenceLogProbReward", "mean")
    model = fit_arguments([f"--config={other}"]).model
    assert (model.class_path, model.init_args.pretrained) == ("emlit.modules.EMFT", "tiny")
    assert model.init_args.learning_rate == 1e-6
    assert "reward" not in model.init_args


def test_a_misspelt_key_names_the_included_file(recipe, write, tmp_path):
    write("models/small.yaml", {"model": {"init_args": {"pretraned": "tiny"}}})
    assert unknown_key(["fit", f"--config={recipe}"]) == (
        f"{tmp_path}/models/small.yaml: model.pretraned: there is no such key; did you mean model.pretrained?"
    )


FAULTS = [
    ("[../methods/rll.yaml]", "include: there is no file {0}/methods/rll.yaml; did you mean {0}/methods/rl.yaml?"),
    ("[x/y.yaml]", "include: there is no file {0}/small/x/y.yaml; names are relative to the file that includes them"),
    ("../methods/rl.yaml", "include is '../methods/rl.yaml'; it must be a list of files, such as [base.yaml]"),
    ("[1]", "include is [1]; it must be a list of files, such as [base.yaml]"),
    ("[rl.yaml]", "include: {0}/small/rl.yaml includes this file in turn; leave one of the two out"),
    ("[../list.yaml]", "include: {0}/list.yaml is no mapping of keys; give it some or leave it out"),
    ("[../half.yaml]", "include: {0}/half.yaml cannot be read: while parsing a flow node; mend it"),
]


@pytest.mark.parametrize(("include", "sentence"), FAULTS)
def test_an_include_that_cannot_be_followed_ends_in_one_sentence(include, sentence, recipe, write, tmp_path):
    write("list.yaml", "- 1\n")
    write("half.yaml", "data: {")
    recipe.write_text(f"include: {include}\n")
    expected = f"{recipe}: {sentence.format(tmp_path)}"
    assert unknown_key(["fit", f"--config={recipe}"]) == expected
    for read in (lambda: serve.read([str(recipe)]), lambda: config_parts(recipe)):
        with pytest.raises(ConfigError) as raised:
            read()
        assert str(raised.value) == expected


def test_the_parser_refuses_an_include_too(recipe, write, tmp_path, capsys):
    write("methods/rl.yaml", {"include": ["../small/rl.yaml"]})
    with pytest.raises(ConfigError) as raised:
        fit_arguments([f"--config={recipe}"])
    assert str(raised.value) == (
        f"{tmp_path}/methods/rl.yaml: include: {recipe} includes this file in turn; leave one of the two out"
    )


def test_a_training_set_over_an_included_one_leaves_its_evaluation_set_behind(write):
    write("prompts.yaml", {"data": {"evaluation": {"class_path": "HubDataset", "init_args": {"path": "a"}}}})
    base = {"include": ["prompts.yaml"], "data": {"train": {"class_path": "HubDataset", "init_args": {"path": "b"}}}}
    write("base.yaml", base)
    hers = {"class_path": "PromptFile", "init_args": {"path": "p.jsonl"}}
    thin = write("thin.yaml", {"include": ["base.yaml"]})
    mine = write("mine.yaml", {"include": ["base.yaml"], "data": {"train": hers}})
    both = write("both.yaml", {"include": ["base.yaml"], "data": {"train": hers, "evaluation": "held_out"}})
    split = write("split.yaml", {"include": ["base.yaml"], "data": {"train": {"init_args": {"split": "train[:9]"}}}})
    overlay = write("overlay.yaml", {"data": {"train": hers}})
    assert evaluates_another_set(["fit", f"--config={mine}"])
    assert evaluates_another_set(["fit", f"--config={thin}", f"--config={overlay}"])
    assert evaluates_another_set(["fit", f"--config={thin}", "--data.train=PromptFile"])
    for config in (thin, both, split):
        assert not evaluates_another_set(["fit", f"--config={config}"])
