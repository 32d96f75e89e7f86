"""EM-INF and adaptive temperature on extreme logits."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.references import adam_on_logits
from emlit.decoding import AdaptiveTemperature, EntropyMinimization, adaptive_temperature, minimize_entropy
from emlit.functional import token_entropy
from tests.unit.fuzz.cases import BROKEN, LOGITS, cases, matrices

DECODINGS = st.builds(
    EntropyMinimization,
    threshold=st.sampled_from([0.0, 0.1, 0.3, 2.0, 1e9]),
    kl_weight=st.sampled_from([0.0, 0.05, 1.0]),
    learning_rate=st.sampled_from([1e-30, 0.02, 0.1, 1.0]),
    steps=st.sampled_from([1, 3, 15]),
)
COOLINGS = st.builds(
    AdaptiveTemperature, ratio=st.sampled_from([1e-9, 0.4, 0.85, 1.0]), threshold=st.sampled_from([0.0, 0.1, 2.0, 1e9])
)
ANY = st.one_of(LOGITS, LOGITS, BROKEN)


def is_distribution(logits):
    return logits.double().amax(dim=1).isfinite()


def assert_first_stays_first(before, after):
    first = before.double().argmax(dim=1, keepdim=True)
    assert torch.equal(after.gather(1, first).squeeze(1), after.amax(dim=1))


@cases(200)
@given(matrices(ANY), DECODINGS)
def test_minimize_entropy(logits, decoding):
    result = decoding(logits)
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    assert result.dtype == dtype
    assert result.shape == logits.shape
    good = is_distribution(logits)
    # What is no distribution has no entropy to lower.
    torch.testing.assert_close(result[~good], logits[~good].to(dtype), rtol=0, atol=0, equal_nan=True)
    before, after = logits[good].to(dtype), result[good]
    assert not after.isnan().any()
    assert torch.equal(after == -torch.inf, before == -torch.inf)
    assert_first_stays_first(before, after)
    low = token_entropy(before.double()) < decoding.threshold - 1e-5
    assert torch.equal(after[low], before[low])
    for row in range(len(logits)):
        torch.testing.assert_close(decoding(logits[row : row + 1]), result[row : row + 1], equal_nan=True)


@cases(60)
@given(matrices(st.floats(-30, 30)), DECODINGS)
def test_minimize_entropy_is_adam(logits, decoding):
    logits = logits.double()
    for row, found in zip(logits, decoding(logits), strict=True):
        torch.testing.assert_close(found, adam_on_logits(row, decoding), rtol=0, atol=1e-6)


@cases(60)
@given(matrices(LOGITS, rows=3), st.data())
def test_rows_with_parameters_of_their_own(logits, data):
    decodings = [data.draw(DECODINGS) for _ in logits]
    names = ("threshold", "kl_weight", "learning_rate", "steps")
    if not decodings:
        return
    columns = {name: torch.tensor([getattr(d, name) for d in decodings]) for name in names}
    together = minimize_entropy(logits.double(), **columns)
    for row, decoding in enumerate(decodings):
        alone = decoding(logits[row : row + 1].double())
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-6, atol=1e-6, equal_nan=True)


@cases(150)
@given(matrices(ANY), COOLINGS)
def test_adaptive_temperature(logits, cooling):
    temperature = adaptive_temperature(logits, cooling.ratio, cooling.threshold)
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    assert temperature.dtype == dtype
    assert temperature.shape == logits.shape[:1]
    good = is_distribution(logits)
    assert (temperature[~good] == 1).all()
    assert ((temperature >= 0.01) & (temperature <= 1)).all()
    start = token_entropy(logits[good].to(dtype))
    assert (temperature[good][start <= cooling.threshold] == 1).all()
    result = cooling(logits)
    assert_first_stays_first(logits[good], result[good])
    assert torch.equal(result[good] == -torch.inf, logits[good].float() == -torch.inf)
    # Cooling lowers the entropy, but never past the target: by less than the tolerance of 1e-3, and float32.
    reached = token_entropy(result[good].double())
    target = (cooling.ratio * start).clamp(min=cooling.threshold).double()
    assert (reached <= start + 2e-3).all()
    assert (reached >= torch.minimum(target, start.double()) - 2e-3).all()
    for row in range(len(logits)):
        alone = adaptive_temperature(logits[row : row + 1], cooling.ratio, cooling.threshold)
        torch.testing.assert_close(alone, temperature[row : row + 1])
