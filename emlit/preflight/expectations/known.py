"""Rules on what is known of the model, the task and the sampling."""

import re

from emlit.preflight.expectations.finding import CONTAMINATION, EM, NO_FREE_LUNCH, OWN, Finding, Setting
from emlit.preflight.measurements import Measurements
from emlit.preflight.model_facts import ModelFacts

# Not every file with "math" in its name: these three are the sets on which 2507.10532 found it.
_SEEN = re.compile(r"(?<![a-z0-9])(math[-_ ]?500|amc(\d\d)?|aime(\d\d|\d{4})?)(?![a-z0-9])", re.IGNORECASE)


def instruction_tuned(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    if model.instruct:
        sentence = (
            f"{model.name} is taken as instruction-tuned ({model.reason}): such models got worse, "
            "Qwen2.5-3B-Instruct from 0.636 to 0.496 on MATH-500 in 80 steps."
        )
        return Finding("instruction-tuned", "warning", sentence, NO_FREE_LUNCH)
    if model.instruct is None:
        sentence = f"Whether {model.name} is instruction-tuned cannot be told ({model.reason}); such models got worse."
        return Finding("instruction-tuned", "caution", sentence, NO_FREE_LUNCH)
    sentence = f"{model.name} is taken as not instruction-tuned ({model.reason})."
    return Finding("instruction-tuned", "good", sentence, NO_FREE_LUNCH)


def llama(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    if model.family != "llama":
        return None
    sentence = (
        f"{model.name} is of the Llama family, by its name or vocabulary: EM-FT took Llama-3.1-8B-Instruct from 40.6 "
        "to 42.2 on MATH and from 22.4 to 18.8 on Minerva, where labels gave 52.0 and 26.8 (Table 4)."
    )
    return Finding("llama", "caution", sentence, EM)


def contamination(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    if model.family != "qwen2.5" or not _SEEN.search(setting.task):
        return None
    sentence = (
        f"If {setting.task} is the public set of that name, Qwen2.5 has likely seen it: there even random rewards "
        "raised its score; measure on fresh problems too."
    )
    return Finding("contamination", "caution", sentence, CONTAMINATION)


def sampled_otherwise(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    if setting.departs is None:
        return None
    sentence = (
        f"The completions were sampled with {setting.departs}, so these are not the numbers that training at "
        "temperature 1 starts from."
    )
    return Finding("sampling", "caution", sentence, OWN)
