"""What a configuration may ask of Hydra: a stranger's YAML, and the command line."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from suite.errors import ConfigError
from suite.plugins import register
from suite.trust.hydra_nodes import check_options

STRANGERS = {
    "callbacks: {evil: {_target_: os.mkdir, path: marker}}": "callbacks.evil._target_=os.mkdir",
    "callbacks: {triathlon: {_target_: os.mkdir}}": "callbacks.triathlon._target_=os.mkdir",
    "callbacks: {triathlon: {report: {_target_: suite.run.run}}}": "report._target_=suite.run.run",
    "callbacks: {triathlon: {report: {_partial_: false}}}": "report._partial_=False",
    "callbacks: {evil: '${oc.create:{_target_:os.mkdir}}'}": "must be written out",
    "launcher: {_target_: os.system}": "launcher._target_=os.system: refused",
    "launcher: {additional_parameters: {_target_: os.system}}":
        "additional_parameters._target_=os.system: refused",
    "launcher: {_target_: '${oc.decode:os.system}'}": "launcher._target_=.*written out",
    "launcher: {additional_parameters: '${oc.create:{_target_:os.system}}'}": "written out",
    "launcher: {setup: [rm -rf /]}": "launcher.setup.0=rm -rf /: refused .commands",
    "launcher: {comment: 'a\n\n    rm -rf /'}": "launcher.comment=.*command line alone",
    "sweeper: {_target_: subprocess.Popen}": "sweeper._target_=subprocess.Popen: refused",
    "sweeper: {params: {a: {_target_: os.system}}}": "sweeper.params.a._target_=os.system",
    "sweeper: {params: {hydra.job.env_set.LD_PRELOAD: x}}": "no part of a sweep",
    "job_logging: {handlers: {x: {(): os.mkdir}}}": r"job_logging.handlers.x.\(\)=os.mkdir",
    "job_logging: {handlers: {x: {class: logging.FileHandler, filename: a}}}": "FileHandler",
    "job_logging: {formatters: {x: {class: os.system}}}": "formatters.x.class=os.system",
    "hydra_logging: {filters: {x: {(): os.system}}}": r"hydra_logging.filters.x.\(\)",
    "job_logging: {handlers: {x: {class: logging.StreamHandler, stream: 'ext://os.environ'}}}":
        "stream=ext://os.environ",
    "job: {env_set: {LD_PRELOAD: evil.so}}": "env_set.LD_PRELOAD: is taken from the command line",
    "job: {env_set: {PYTHONPATH: evil}}": "env_set.PYTHONPATH",
}  # fmt: skip


@pytest.fixture
def composed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Compose a stranger's experiment, which has this under `hydra:`, with overrides."""
    register()
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "theirs" / "experiment"
    folder.mkdir(parents=True)

    def run(text: str = "", *overrides: str):
        lines = f"# @package _global_\nhydra:\n  {text}\n" if text else "# @package _global_\n{}"
        (folder / "theirs.yaml").write_text(lines)
        with initialize_config_module(config_module="conf", version_base="1.3"):
            given = [f"hydra.searchpath=[file://{tmp_path / 'theirs'}]", *overrides]
            return compose("config", ["experiment=theirs", *given], return_hydra_config=True)

    return run


@pytest.mark.parametrize("text", STRANGERS)
def test_a_strangers_yaml_has_nothing_called(composed, text: str, tmp_path: Path) -> None:
    said = STRANGERS[text]
    with pytest.raises(ConfigError, match=said) as raised:
        composed(text, "hydra/launcher=submitit_slurm")
    assert str(raised.value).startswith("hydra.")
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    "override",
    ["+hydra.callbacks.x={_target_:os.system}", "hydra.launcher._target_=os.system",
     "hydra.sweeper._target_=os.system", "+hydra.job_logging.handlers.x.class=os.system",
     "+hydra.launcher.x={_target_:os.system}",
     "hydra.searchpath=[pkg://antigravity]", "hydra.searchpath=[this]"],
)  # fmt: skip
def test_the_command_line_has_nothing_called_either(override: str) -> None:
    register()
    name = override.lstrip("+").partition("=")[0]
    with (
        pytest.raises(Exception, match=name.split("={")[0]),
        initialize_config_module(config_module="conf", version_base="1.3"),
    ):
        compose("config", [override], return_hydra_config=True)


def test_what_belongs_to_a_launcher_goes_through(composed) -> None:
    made = composed("launcher: {n_jobs: 3}", "hydra/launcher=joblib")
    assert made.hydra.launcher.n_jobs == 3
    made = composed(
        "launcher: {partition: gpu, comment: ours}",
        "hydra/launcher=submitit_slurm",
        "hydra.launcher.setup=[module load cuda]",
        "+hydra.job.env_set.LD_LIBRARY_PATH=/opt/cuda",
        "+hydra.job.env_set.OMP_NUM_THREADS=2",
    )
    assert OmegaConf.to_container(made.hydra.launcher.setup) == ["module load cuda"]


@pytest.mark.parametrize(
    "argument",
    ["--experimental-rerun=a.pkl", "--exp", "-cn", "--config-name=x", "--config-n=x", "-cp",
     "--config-path=x"],
)  # fmt: skip
def test_options_that_unpickle_or_replace_the_configuration_are_refused(argument: str) -> None:
    with pytest.raises(ConfigError, match=f"{argument}: refused"):
        check_options([argument])
    check_options(["--config-dir=x", "-cd", "--cfg", "-m", "seed=1", "--exhaustive"])
