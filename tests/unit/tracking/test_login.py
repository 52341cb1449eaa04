"""The dashboard's login: its secrets are the user's alone, and nothing prints them."""

import stat
from pathlib import Path

import pytest

from suite.errors import ConfigError
from suite.tracking.login import login_of


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("MLFLOW_AUTH_ADMIN_PASSWORD", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    return tmp_path / "state"


def test_secrets_are_drawn_once_and_readable_by_nobody_else(state: Path) -> None:
    first, again, other = login_of("sqlite:///a"), login_of("sqlite:///a"), login_of("sqlite:///b")
    assert first == again
    password, key = (
        first.environment[name]
        for name in ("MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY")
    )
    assert len({password, key, *other.environment.values()} - {"admin"}) >= 5
    assert len(password) >= 32
    assert password not in first.told
    (folder,) = {Path(one.environment["MLFLOW_AUTH_CONFIG_PATH"]).parent for one in (first, again)}
    assert folder.is_relative_to(state)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert password not in (folder / "auth.ini").read_text()
    assert str(folder / "password") in first.told


def test_the_environments_password_counts_and_is_kept_nowhere(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "a secret of mine")
    login = login_of("sqlite:///a")
    assert login.environment["MLFLOW_AUTH_ADMIN_PASSWORD"] == "a secret of mine"
    assert "a secret of mine" not in login.told
    kept = [path for path in state.rglob("*") if path.is_file()]
    assert kept
    assert not any("a secret of mine" in path.read_text() for path in kept)


def test_without_what_it_needs_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'triathlon\[auth\]'"):
        login_of("sqlite:///a")
