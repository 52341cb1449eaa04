import socket
from pathlib import Path

import pytest

from suite.errors import ConfigError
from suite.tracking.ui import ui


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
