import pytest

from emlit.decoding import (
    PRESETS,
    AdaptiveTemperature,
    EntropyMinimization,
    EntropyScaledTemperature,
    LocallyTypical,
    requests,
)
from emlit.decoding.requests import KEYS, from_flat_keys, from_settings, to_flat_keys
from emlit.decoding.spelling import meant
from tests.own_decoding import Typical


@pytest.mark.parametrize(
    "decoding",
    [EntropyMinimization(0.2, 0.1, 0.05, 7), AdaptiveTemperature(0.4, 0.2), LocallyTypical(0.3),
     EntropyScaledTemperature(0.6, 2.0, 0.01, 0.1), None],
)  # fmt: skip
def test_there_and_back(decoding):
    assert from_flat_keys(to_flat_keys(decoding)) == decoding


@pytest.mark.parametrize(
    ("arguments", "decoding"),
    [
        ({}, None),
        (None, None),
        ({"somebody": "else", "temperature": 3, "session_id": "a", "email": "b"}, None),
        ({"min_entropy": 1, "item_info": 2, "system_info": 3, "dynamic_temperature": 4, "temperature_last": 5}, None),
        ({"em_inf": 1}, EntropyMinimization()),
        ({"em_inf": True, "em_inf_steps": 5.0}, EntropyMinimization(steps=5)),
        ({"em_inf_threshold": 0.2}, EntropyMinimization(threshold=0.2)),
        ({"em_inf": 0, "em_inf_threshold": 0.2}, None),
        ({"em_inf": 0, "adaptive_temperature": 1}, AdaptiveTemperature()),
        ({"em_inf": "released"}, PRESETS["released"]),
        ({"em_inf": "paper"}, PRESETS["paper"]),
        ({"em_inf": "paper", "em_inf_steps": 5}, EntropyMinimization(kl_weight=0.0, steps=5)),
        ({"locally_typical": 1}, LocallyTypical(0.9)),
        ({"locally_typical_mass": 0.5, "em_inf": 0}, LocallyTypical(0.5)),
        (
            {"entropy_scaled_temperature_reference": 0.6, "entropy_scaled_temperature_highest": 2},
            EntropyScaledTemperature(0.6, 2.0),
        ),
        ({"typical_p": 0.9}, None),  # another server's
        ({"steps": 5, "threshold": 1, "ratio": 2}, None),  # nobody asks for a decoding here
    ],
)
def test_what_is_asked_for(arguments, decoding):
    assert from_flat_keys(arguments) == decoding


def test_the_default_gives_way():
    default = EntropyMinimization(steps=9)
    assert from_flat_keys({}, default) == default
    assert from_flat_keys({"em_inf_threshold": 0.1}, default) == EntropyMinimization(threshold=0.1, steps=9)
    assert from_flat_keys({"em_inf": "paper"}, default) == PRESETS["paper"]
    assert from_settings({"em_inf": "paper"}) == PRESETS["paper"]
    assert from_flat_keys({"em_inf": 0}, default) is None
    assert from_flat_keys({"adaptive_temperature": 0}, default) == default
    assert from_flat_keys({"adaptive_temperature_ratio": 0.7}, default) == AdaptiveTemperature(ratio=0.7)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"em_inf": 1, "em_inf_step": 3}, "em_inf_step is no parameter"),
        ({"em_inf": 1, "em_inf_steps": 0}, "steps is 0"),
        ({"em_inf": 1, "em_inf_steps": 2.5}, "em_inf_steps is 2.5; it must be a whole number"),
        ({"em_inf": 1, "em_inf_threshold": "low"}, "em_inf_threshold is 'low'"),
        ({"em_inf": 1, "em_inf_threshold": float("nan")}, "em_inf_threshold is nan"),
        ({"em_inf_steps": float("inf")}, "em_inf_steps is inf; it must be a whole number"),
        ({"em_inf_steps": 200_000}, "steps is 200000; it must be at least 1 and at most 100"),
        ({"em_inf_learning_rate": 5.0}, "learning_rate is 5.0; it must be above 0 and at most 1"),
        ({"em_inf_kl_weight": -1}, "kl_weight is -1.0; it must be at least 0 and at most 1"),
        ({"em_inf": "yes"}, "em_inf is 'yes'; it must be 1 or 0"),
        ({"em_inf": "Paper"}, "em_inf is 'Paper'; .*preset .released, paper.; 'paper' is the nearest"),
        ({"em_inf": {"steps": 3}}, "em_inf is {'steps': 3}; it must be 1 or 0"),
        ({"em_inf": None}, "em_inf is None"),
        ({"em_inf": 2}, "em_inf is 2"),
        ({"em_inf_steps": True}, "em_inf_steps is True"),
        ({"em_inf_steps": "3"}, "em_inf_steps is '3'"),
        ({"adaptive_temperature": "paper"}, "adaptive_temperature is 'paper'; it must be 1 or 0"),
        ({"em_inf": 1, "steps": 5}, "steps is no parameter of emlit; em_inf_steps is the nearest"),
        ({"em_inf": 1, "kl-weight": 5}, "'kl-weight' is no parameter of emlit; em_inf_kl_weight is the nearest"),
        ({"adaptive_temperature": 1, "ratio": 0.5}, "ratio is no .*; adaptive_temperature_ratio is the nearest"),
        ({"adaptive_temperature": 1, "thresholds": 0.5}, "thresholds is no .*; adaptive_temperature_threshold is the"),
        ({"em_inf": [1]}, "it must be 1 or 0"),
        ({"em_inf": 1, "adaptive_temperature": 1}, "both asked for"),
        ({"em_inf_steps": 3, "adaptive_temperature_ratio": 0.5}, "both asked for"),
        ({"adaptive_temperature_ratio": 2.0}, "ratio is 2.0"),
        ({"locally_typical": 1, "em_inf": 1}, "em_inf and locally_typical are both asked for"),
        ({"locally_typical_mass": 1}, "mass is 1.0; it must be above 0 and below 1"),
        ({"locally_typical": 1, "mass": 0.5}, "mass is no parameter of emlit; locally_typical_mass is the nearest"),
        ({"entropy_scaled_temperature": 1}, "needs entropy_scaled_temperature_reference and"),
    ],
)
def test_wrong_keys_and_values_get_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_flat_keys(arguments)


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("em_info", "em_inf"),
        ("em_information", "em_inf"),
        ("em-inf", "em_inf"),
        ("EM_INF", "em_inf"),
        ("emInf", "em_inf"),
        ("em_inf ", "em_inf"),
        ("em_ifn", "em_inf"),
        ("\uff45\uff4d_inf", "em_inf"),  # full width
        ("\u0435m_inf", "em_inf"),  # a Cyrillic e
        ("em-inf-steps", "em_inf_steps"),
        ("em_steps", "em_inf_steps"),
        ("eminf_treshold", "em_inf_threshold"),
        ("em_inf_lr", "em_inf"),
        ("entropy_minimization", "em_inf"),
        ("adaptive-temperature", "adaptive_temperature"),
        ("adaptiveTemperature_Ratio", "adaptive_temperature_ratio"),
        ("adpative_temperature", "adaptive_temperature"),
        ("vllm_em_inf", "em_inf"),
        ("my.EM-INF", "em_inf"),
        ("inf_em", "em_inf"),
        ("locally_typcal", "locally_typical"),
        ("localTypical_mass", "locally_typical_mass"),
        ("entropy-scaled-temp", "entropy_scaled_temperature"),
        ("temperature_adaptive", "adaptive_temperature_ratio"),
    ],
)
def test_what_was_meant_is_named(key, near):
    with pytest.raises(ValueError, match=rf"is no parameter of emlit; {near} is the nearest of em_inf, "):
        from_flat_keys({key: 1})


def test_no_key_of_vllms_is_taken_for_one():
    pytest.importorskip("vllm")
    from vllm import SamplingParams
    from vllm.entrypoints.anthropic.protocol import AnthropicMessagesRequest
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
    from vllm.entrypoints.openai.completion.protocol import CompletionRequest
    from vllm.entrypoints.openai.responses.protocol import ResponsesRequest

    models = (AnthropicMessagesRequest, ChatCompletionRequest, CompletionRequest, ResponsesRequest)
    names = {name for model in models for name in model.model_fields} | set(SamplingParams.__struct_fields__)
    assert len(names) > 100
    assert not [name for name in names if meant(name, KEYS)]


def test_a_decoding_of_the_users_own_travels_where_it_is_allowed(monkeypatch):
    assert from_flat_keys(to_flat_keys(Typical(0.4))) == Typical(0.4)  # asked for in this process
    keys = to_flat_keys(Typical(0.4))
    monkeypatch.setattr(requests, "_asked_here", {})  # as in a server
    with pytest.raises(ValueError, match=r"'tests.own_decoding.Typical', which this server was not started with"):
        from_flat_keys(keys)
    monkeypatch.setenv("EMLIT_DECODINGS", "other.Class,tests.own_decoding.Typical")
    assert from_flat_keys(keys) == Typical(0.4)
    with pytest.raises(ValueError, match="does not take"):
        from_flat_keys({"emlit_decoding": '["tests.own_decoding.Typical", {"kept": 1}]'})
    with pytest.raises(ValueError, match="a request takes one decoding"):
        from_flat_keys({**keys, "em_inf": 1})
    monkeypatch.setenv("EMLIT_DECODINGS", "tests.own_decoding.Gone,nowhere.Class")
    for path in ("tests.own_decoding.Gone", "nowhere.Class"):
        with pytest.raises(ValueError, match=f"{path}, which EMLIT_DECODINGS names and this server lacks"):
            from_flat_keys({"emlit_decoding": f'["{path}", {{}}]'})


@pytest.mark.parametrize(
    "written", [3, "x", "[1, 2]", '["os.system", {}]', '[["os"], {}]', "{}", '["a"]', '["", {}]', "[" * 100_000]
)
def test_what_is_no_decoding_of_ones_own(written):
    with pytest.raises(ValueError, match="emlit_decoding is "):
        from_flat_keys({"emlit_decoding": written})
