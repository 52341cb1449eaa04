import socket
from pathlib import Path

import pytest

from suite.errors import ConfigError
from suite.tracking.ui import _environment, is_loopback, ui


def test_a_taken_port_says_so(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port={port}: cannot be used on 127.0.0.1"):
            ui(f"sqlite:///{tmp_path}/mlflow.db", tmp_path, port=port)
    assert not (tmp_path / "mlflow.db").exists()


def test_a_server_has_its_own_dashboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ui("http://there:5000", tmp_path) == 0
    assert capsys.readouterr().out == "MLflow dashboard: http://there:5000\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com", ""])
def test_a_network_sees_nothing_without_a_login(tmp_path: Path, host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ConfigError, match=f"--host {host}: .*add --auth"):
        ui(f"sqlite:///{tmp_path}/mlflow.db", tmp_path, host=host)
    assert not (tmp_path / "mlflow.db").exists()


def test_a_server_decides_on_logins_itself(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--auth: http://there:5000 is a server"):
        ui("http://there:5000", tmp_path, auth=True)


def test_host_checks_are_on_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", "true")
    monkeypatch.delenv("MLFLOW_SERVER_ALLOWED_HOSTS", raising=False)
    made = _environment("sqlite:///a", "127.0.0.1", None, None)
    assert made["MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE"] == "false"
    assert made["MLFLOW_SERVER_ALLOWED_HOSTS"].startswith("localhost,")
    assert "MLFLOW_SERVER_ALLOWED_HOSTS" not in _environment("sqlite:///a", "0.0.0.0", None, None)
    named = _environment("sqlite:///a", "0.0.0.0", "box.example.com", None)
    assert named["MLFLOW_SERVER_ALLOWED_HOSTS"] == "box.example.com"
    assert is_loopback("localhost")
    assert is_loopback("::1")
