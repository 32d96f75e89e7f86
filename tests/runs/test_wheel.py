"""What `pip install` puts on a machine, and that it works away from the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"
SHOWN = """
import sys, emlit
from emlit.callbacks import EMInference
from emlit.cli import main
assert emlit.__file__.startswith(sys.argv[1]) and sys.modules[EMInference.__module__].__file__.startswith(sys.argv[1])
main(["configs", "copy", "tiny/em_ft"])
main(["predict", "--config", "emlit://tiny/em_inf", "--engine", "transformers", "--dry_run"])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel of the files that git would commit, unpacked."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if names.returncode:
        pytest.skip("this is no git checkout")
    for name in filter(None, names.stdout.split("\0")):
        if name.startswith(("emlit/", "callbacks/", "configs/", "pyproject", "README", "LICENSE")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_symlink():
                (source / name).symlink_to((ROOT / name).readlink())
            elif (ROOT / name).exists():
                (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([sys.executable, "-c", BUILD, built], cwd=source, check=True, capture_output=True)
    (file,) = built.glob("*.whl")
    with zipfile.ZipFile(file) as content:
        content.extractall(built / "site")
    return built / "site"


def test_it_has_one_name_at_the_top(wheel):
    assert {path.name for path in wheel.iterdir() if path.suffix != ".dist-info"} == {"emlit"}


@pytest.mark.parametrize(("link", "pattern"), [("callbacks", "*.py"), ("configs", "**/*.yaml")])
def test_what_a_checkout_has_at_the_top_is_inside(wheel, link, pattern):
    found, own = ({str(file.relative_to(folder)) for file in folder.glob(pattern)} for folder in
                  (wheel / "emlit" / link, ROOT / link))  # fmt: skip
    assert found == own


def test_every_file_that_emlit_reads_is_there(wheel):
    own = {file.relative_to(ROOT) for file in (ROOT / "emlit").rglob("*") if file.is_file()}
    missing = {str(file) for file in own if "__pycache__" not in file.parts and not (wheel / file).is_file()}
    assert missing == set()


def test_a_config_of_its_own_runs_anywhere(wheel, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(wheel)}
    subprocess.run([sys.executable, "-c", SHOWN, str(wheel)], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "em_ft.yaml").is_file()
