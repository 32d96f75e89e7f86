"""Loggers beside TensorBoard's, without a network: a run's curves, and its config in the run's directory."""

import csv
import sqlite3
from pathlib import Path

import pytest

import cli
from emlit.report.__main__ import main

ROOT = Path(__file__).parents[2]
CURVES = {"entropy/token_mean", "length/mean", "loss/total"}


def fit(run_dir: Path, *logger: str) -> None:
    cli.main([
        "fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), "--engine=transformers", f"--run_dir={run_dir}",
        "--trainer.max_steps=1", "--data.prompts_per_round=4", "--data.evaluation.n=2", "--data.evaluation_samples=2",
        "--guard.mode=off", "--export.enabled=false", *logger,
    ])  # fmt: skip
    assert "EMFT" in (run_dir / "config.yaml").read_text()
    assert (run_dir / "summary.json").exists()


def test_csv(tmp_path, capsys):
    fit(tmp_path, "--trainer.logger=lightning.pytorch.loggers.CSVLogger", f"--trainer.logger.save_dir={tmp_path}")
    with (tmp_path / "lightning_logs/version_0/metrics.csv").open() as file:
        assert {"accuracy/pass@1", "evaluation/pass@1"} | CURVES <= {*csv.DictReader(file).fieldnames}
    assert f"CSVLogger, {tmp_path}" in capsys.readouterr().out.replace("\n", "")
    main([str(tmp_path), "--html", str(tmp_path / "page.html")])
    assert "has no curves of TensorBoard's" in capsys.readouterr().err


def test_a_logger_without_a_directory(tmp_path):
    fit(tmp_path, "--trainer.logger=lightning.pytorch.loggers.logger.DummyLogger")


@pytest.mark.nightly
def test_wandb_offline(tmp_path):
    wandb = pytest.importorskip("wandb")
    fit(
        tmp_path, "--trainer.logger=lightning.pytorch.loggers.WandbLogger", "--trainer.logger.offline=true",
        f"--trainer.logger.save_dir={tmp_path}",
    )  # fmt: skip
    assert {"accuracy/pass@1", "evaluation/pass@1"} | CURVES <= {*wandb.run.summary.keys()}
    wandb.finish()
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


@pytest.mark.nightly
def test_mlflow_in_a_database(tmp_path):
    """Without a directory, as a tracking server. MLflow takes no @ in a name, and Lightning leaves it out."""
    pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    store = tmp_path / "mlflow.db"
    with pytest.warns(RuntimeWarning, match="Replacing accuracy/pass@1 with accuracy/pass1"):
        fit(
            tmp_path / "run", "--trainer.logger=lightning.pytorch.loggers.MLFlowLogger",
            f"--trainer.logger.tracking_uri=sqlite:///{store}",
        )  # fmt: skip
    with sqlite3.connect(store) as database:
        found = {key for (key,) in database.execute("SELECT DISTINCT key FROM metrics")}
    assert {"accuracy/pass1", "evaluation/pass1"} | CURVES <= found
