"""Configs that come with emlit, from any directory, and the names that `import emlit` gives."""

import subprocess
import sys

import pytest

import emlit
from emlit import bundled
from emlit.cli import main
from emlit.includes import config_parts


def test_configs_are_listed_with_a_line_each(capsys):
    main(["configs"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(bundled.names()) > 30
    assert next(line for line in lines if line.startswith("emlit://tiny/em_ft ")).split(maxsplit=1)[1]


@pytest.mark.parametrize("name", bundled.names())
def test_a_copy_is_the_same_config(name, tmp_path, capsys):
    main(["configs", "copy", name, str(tmp_path / "mine")])
    copied = tmp_path / "mine" / bundled.find(name).name
    assert capsys.readouterr().out.strip() == str(copied)
    parts = [[content for _, content in config_parts(file)] for file in (copied, bundled.find(name))]
    assert [{**each, "include": 0} for each in parts[0]] == [{**each, "include": 0} for each in parts[1]]


def test_a_copy_replaces_nothing(tmp_path, run_sentence):
    (tmp_path / "em_ft.yaml").touch()
    assert "is there already" in run_sentence(main, ["configs", "copy", "tiny/em_ft", str(tmp_path)])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fit", "--config", "emlit://tiny/em_tf"], "did you mean tiny/em_ft?"),
        (["fit", "--config=emlit://nothing"], "`emlit configs` lists them"),
        (["configs", "print"], "emlit configs copy NAME"),
    ],
)
def test_what_there_is_not(words, sentence, run_sentence):
    assert sentence in run_sentence(main, words)


def test_a_name_stands_for_its_file():
    words = ["fit", "--config", "emlit://tiny/em_ft", "--config=emlit://trainer/fsdp", "--x", "a=b"]
    path = str(bundled.CONFIGS / "tiny/em_ft.yaml")
    assert bundled.resolved(words) == [
        "fit",
        "--config",
        path,
        f"--config={bundled.CONFIGS}/trainer/fsdp.yaml",
        *words[4:],
    ]


@pytest.mark.parametrize("name", [name for name in emlit.__all__ if name != "__version__"])
def test_public_names_are_there(name):
    assert callable(getattr(emlit, name))


def test_import_emlit_imports_nothing_large():
    program = (
        "import sys, emlit; print([name for name in ('torch', 'lightning', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.nightly
def test_one_class_whatever_the_package_is_called():
    program = """
import callbacks.em_inference
from emlit.callbacks import EMInference
assert callbacks.EMInference is EMInference is callbacks.em_inference.EMInference
"""
    subprocess.run([sys.executable, "-c", program], check=True)
