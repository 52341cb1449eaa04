import json

import pytest

from suite import locks, resumption
from suite.compose import compose
from suite.errors import ConfigError, DataError
from suite.record import RunRecord
from suite.resumption import Mark, find, named, newest
from suite.tracking.journal import Journal


@pytest.fixture
def config(tmp_path):
    found = compose(["backbone=mlp"])
    found.results = str(tmp_path)
    return found


def _left(tmp_path, config, name="one", *, sweep=None, status=None):
    """Leave a run that its process did not finish, or did not clean up behind."""
    folder = tmp_path / "runs" / name
    mark = Mark.of_new(folder, config)
    record = RunRecord(run_id=name, name=name, sweep=sweep, config_hash=config.hash())
    journal = Journal(folder)
    journal.start(record)
    if status is not None:
        record.status = status
        journal.end(record)
    journal.close()
    mark.leave()
    return folder


def test_run_of_the_same_configuration_is_found_the_newest_first(tmp_path, config):
    assert find(tmp_path, config) is None
    _left(tmp_path, config, "20260101-one")
    _left(tmp_path, config, "20260102-two")
    found = find(tmp_path, config)
    assert found.folder.name == "20260102-two"
    assert found.begun.run_id == "20260102-two"
    assert newest(tmp_path) == "20260102-two"
    config.seed = 7
    assert find(tmp_path, config) is None


def test_run_that_somebody_is_at_is_left_alone(tmp_path, config):
    mark = Mark.of_new(tmp_path / "runs" / "one", config)
    assert find(tmp_path, config) is None
    with pytest.raises(ConfigError, match="another process is at this run"):
        Mark.again(tmp_path / "runs" / "one", config)
    mark.leave()
    assert find(tmp_path, config).begun is None


def test_run_of_other_code_is_told_of_and_left_alone(tmp_path, config, monkeypatch, capsys):
    _left(tmp_path, config)
    monkeypatch.setattr(resumption, "code", lambda: "other")
    assert find(tmp_path, config) is None
    assert "the code has changed since" in capsys.readouterr().err
    assert named(tmp_path, "one")[1].folder.name == "one"


def test_run_of_a_sweep_is_left_to_the_sweep(tmp_path, config):
    _left(tmp_path, config, sweep="large")
    assert find(tmp_path, config) is None


@pytest.mark.parametrize(("status", "kept"), [("finished", False), ("failed", True)])
def test_run_that_was_killed_behind_its_end_is_over(tmp_path, config, status, kept):
    folder = _left(tmp_path, config, status=status)
    (folder / "checkpoints").mkdir()
    (folder / ".record.json.a1b2c3d4").touch()
    assert find(tmp_path, config) is None
    assert not (folder / "unfinished.json").exists()
    assert not (folder / ".record.json.a1b2c3d4").exists()
    assert (folder / "checkpoints").exists() is kept


def test_mark_that_is_damaged_is_no_mark(tmp_path, config):
    folder = _left(tmp_path, config)
    (folder / "unfinished.json").write_text("{")
    assert find(tmp_path, config) is None


def test_failed_run_is_resumed_by_its_name_alone(tmp_path, config):
    _left(tmp_path, config, status="failed")
    assert find(tmp_path, config) is None
    again, unfinished = named(tmp_path, "one")
    assert again.hash() == config.hash()
    assert unfinished.begun.status == "failed"


def test_what_cannot_be_resumed_says_why(tmp_path, config):
    folder = _left(tmp_path, config, status="finished")
    with pytest.raises(DataError, match="one: has finished"):
        named(tmp_path, "one")
    with pytest.raises(DataError, match=r"\.\./\.\./x: no such run"):
        named(tmp_path, "../../x")
    other = _left(tmp_path, config, "edited")
    text = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(text.replace("seed: 0", "seed: 1"))
    with pytest.raises(DataError, match="it was edited, or another version"):
        named(tmp_path, "edited")
    assert not locks.held(folder / "unfinished.json")
    assert json.loads((other / "unfinished.json").read_text())["config_hash"] == config.hash()
