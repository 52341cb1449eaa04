"""A `_target_` of a stranger's, wherever a configuration may come from, and what becomes of it."""

import json
from pathlib import Path

import pytest

from suite.compose import recompose
from suite.errors import ConfigError
from suite.run import load_model

EVIL = "os.mkdir"
PLACES = ("task", "data", "backbone", "loss", "optimizer", "schedule")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Run a command in this process; it must be refused in one line, and make no marker."""
    from suite.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["triathlon"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "")

    def run(*arguments: str) -> str:
        monkeypatch.setenv("HYDRA_FULL_ERROR", "")
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        lines = capfd.readouterr().err.splitlines()
        assert stopped.value.code == 2, lines
        assert len(lines) == 1, lines
        assert not (tmp_path / "marker").exists()
        assert not (tmp_path / "results").exists()
        return lines[0]

    return run


@pytest.mark.parametrize("place", PLACES)
def test_on_the_command_line(command, place: str) -> None:
    said = command(f"{place}._target_={EVIL}", "tracking=none")
    assert f"{place}._target_={EVIL}: must lie in" in said


@pytest.mark.parametrize("target", ["suite.run.sys.exit", "torch.hub.load", "tasks.nothing.X"])
def test_that_only_building_finds_out(command, target: str) -> None:
    said = command("model", f"optimizer._target_={target}", f"backbone._target_={target}")
    assert f"_target_={target}: " in said


def test_nested_in_options_that_nothing_builds(command) -> None:
    said = command(
        "model",
        "backbone=transformers",
        "backbone.architecture=bert",
        f"+backbone.options.x._target_={EVIL}",
    )
    assert f"backbone.options.x._target_={EVIL}" in said


@pytest.mark.parametrize(
    ("file", "text", "named"),
    [
        ("data/theirs.yaml", f"_target_: {EVIL}\nkind: image\npath: marker\n", "data._target_"),
        ("experiment/theirs.yaml",
         f"# @package _global_\nhydra:\n  callbacks:\n    x: {{_target_: {EVIL}, path: marker}}\n",
         "hydra.callbacks.x._target_"),
    ],
)  # fmt: skip
def test_in_a_users_yaml(command, tmp_path: Path, file: str, text: str, named: str) -> None:
    path = tmp_path / "theirs" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    given = [f"--config-dir={tmp_path / 'theirs'}", f"{path.parent.name}=theirs"]
    assert f"{named}={EVIL}" in command(*given)
    if named.startswith("hydra"):  # else each cell of the sweep is refused, and noted in its books
        assert f"{named}={EVIL}" in command("-m", *given, "seed=0,1")


def test_in_a_plugins_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from suite import Plugin
    from suite.compose import compose
    from suite.plugins import Found, find, register

    package = tmp_path / "rogue"
    (package / "conf" / "backbone").mkdir(parents=True)
    for folder in (package, package / "conf"):
        (folder / "__init__.py").write_text("")
    (package / "conf" / "backbone" / "rogue.yaml").write_text(f"_target_: {EVIL}\npath: marker\n")
    monkeypatch.syspath_prepend(tmp_path)
    own = find().plugins
    plugin = Plugin(package="rogue", conf="pkg://rogue.conf")
    monkeypatch.setattr("suite.plugins.find", lambda: Found({**own, "rogue": plugin}, {}))
    register()
    with pytest.raises(ConfigError, match=rf"backbone\._target_={EVIL}.* rogue, suite, tasks"):
        compose(["backbone=rogue"])


@pytest.fixture
def kept() -> dict:
    """What a run keeps of its configuration."""
    from suite.compose import compose

    return compose(["backbone=mlp", "tracking=none"]).plain()


@pytest.mark.parametrize("place", PLACES)
def test_in_the_configuration_of_a_model_that_others_trained(
    kept: dict, place: str, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    kept[place]["_target_"] = EVIL
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(kept))
    save_file({"x": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(ConfigError, match=rf"{place}\._target_={EVIL}: must lie in"):
        load_model(folder)


def test_what_else_that_configuration_might_try(kept: dict) -> None:
    with pytest.raises(ConfigError, match=r"name=\$\{oc.env:HOME\}: a run that was kept"):
        recompose({**kept, "name": "${oc.env:HOME}"})
    choices = {**kept["choices"], "data": "../../../etc/passwd"}
    with pytest.raises(ConfigError, match=r"choices\.data=.*is not the name of an option"):
        recompose({**kept, "choices": choices})
    choices = {**kept["choices"], "hydra.callbacks.x._target_": EVIL}
    assert recompose({**kept, "choices": choices}).name is None
    with pytest.raises(ConfigError, match="choices: missing"):
        recompose({k: v for k, v in kept.items() if k != "choices"})


def test_reports_build_nothing_of_what_records_say(tmp_path: Path, kept: dict) -> None:
    from suite.record import RunRecord, read_records
    from suite.report.leaderboard import leaderboard

    kept["backbone"]["_target_"] = kept["task"]["_target_"] = EVIL
    record = RunRecord(
        run_id="theirs", name="x", task="image_recognition", data="digits", backbone="mlp",
        optimizer="adamw", seed=0, primary="accuracy", direction="maximize", status="finished",
        config=kept, config_hash="a", group_hash="b", metrics={"test/accuracy": 0.5},
    )  # fmt: skip
    record.write(tmp_path / "runs" / "theirs")
    (again,) = read_records(tmp_path)
    assert again.config["task"]["_target_"] == EVIL
    assert leaderboard([again])
