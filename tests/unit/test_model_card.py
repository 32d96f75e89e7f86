"""The README.md of an export: fields that the hub reads, what was done in words, and numbers where there are some."""

import yaml

from emlit.model_card import model_card
from emlit.modules import EMFT, EMRL
from emlit.rewards import RLOO

SUMMARY = {
    "before": {"pass@1": 0.25, "greedy": None},
    "after": {"pass@1": 0.5, "greedy": 0.5},
    "seed": 3,
    "guard": {"kept_step": 5, "fired": [{"signal": "entropy"}, {"signal": "entropy"}]},
}


def fields(card: str) -> dict:
    return yaml.safe_load(card.split("---")[1])


def test_a_model_of_the_hub_is_named_and_measured():
    card = model_card("Qwen/Qwen2.5-1.5B", [EMRL(), RLOO()], "512 of my-prompts", 10, SUMMARY, adapted=True)
    assert fields(card)["base_model"] == "Qwen/Qwen2.5-1.5B"
    assert fields(card)["library_name"] == "transformers"
    assert "# Qwen/Qwen2.5-1.5B, after 10 steps of EMRL" in card
    assert "`EMRL`: REINFORCE on a reward that needs no label (arXiv 2505.15134, Sec. 3.2)." in card
    assert "512 of my-prompts" in card
    assert "| pass@1 | 0.250 | 0.500 |" in card
    assert "| greedy" not in card
    assert "fired (entropy), and would keep step 5" in card
    assert "are merged" in card
    assert "Settings" not in card


def test_settings_stand_in_it():
    card = model_card("org/repo", [EMFT()], "", 2, settings={"learning_rate": 1e-5, "temperature": 0.5})
    assert "Settings: `learning_rate` 1e-05, `temperature` 0.5. emlit " in card


def test_a_path_stays_at_home(tmp_path):
    home = tmp_path / "someone" / "model"
    home.mkdir(parents=True)
    card = model_card(str(home), [EMFT()], "8 of prompts", 1)
    assert "base_model" not in fields(card)
    assert "# model, after 1 step of EMFT" in card
    assert str(tmp_path) not in card
    assert "Nothing was measured." in card
    assert "No collapse guard watched the run." in card


def test_a_file_of_a_hub_repository():
    assert fields(model_card("org/repo-GGUF:file.gguf", [EMFT()], "", 2))["base_model"] == "org/repo-GGUF"


def test_a_part_of_the_users_without_a_word_of_its_own():
    class Mine:
        __doc__ = None

    assert "- `Mine`\n" in model_card("org/repo", [EMFT(), Mine()], "", 2)
