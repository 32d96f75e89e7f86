import pytest

from emlit.decoding import AdaptiveTemperature, EntropyMinimization
from emlit.decoding.requests import from_flat_keys, to_flat_keys


@pytest.mark.parametrize("decoding", [EntropyMinimization(0.2, 0.1, 0.05, 7), AdaptiveTemperature(0.4, 0.2), None])
def test_there_and_back(decoding):
    assert from_flat_keys(to_flat_keys(decoding)) == decoding


@pytest.mark.parametrize(
    ("arguments", "decoding"),
    [
        ({}, None),
        (None, None),
        ({"somebody": "else", "em_information": 3}, None),
        ({"em_inf": 1}, EntropyMinimization()),
        ({"em_inf": True, "em_inf_steps": 5.0}, EntropyMinimization(steps=5)),
        ({"em_inf_threshold": 0.2}, EntropyMinimization(threshold=0.2)),
        ({"em_inf": 0, "em_inf_threshold": 0.2}, None),
        ({"em_inf": 0, "adaptive_temperature": 1}, AdaptiveTemperature()),
    ],
)
def test_what_is_asked_for(arguments, decoding):
    assert from_flat_keys(arguments) == decoding


def test_the_default_gives_way():
    default = EntropyMinimization(steps=9)
    assert from_flat_keys({}, default) == default
    assert from_flat_keys({"em_inf_threshold": 0.1}, default) == EntropyMinimization(threshold=0.1, steps=9)
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
        ({"em_inf": [1]}, "it must be 1 or 0"),
        ({"em_inf": 1, "adaptive_temperature": 1}, "both asked for"),
        ({"em_inf_steps": 3, "adaptive_temperature_ratio": 0.5}, "both asked for"),
        ({"adaptive_temperature_ratio": 2.0}, "ratio is 2.0"),
    ],
)
def test_wrong_keys_and_values_get_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_flat_keys(arguments)
