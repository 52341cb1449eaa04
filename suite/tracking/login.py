"""Who may see the dashboard: MLflow's own users and passwords, with secrets that are kept well.

They are kept in the user's state folder and not in the results, which people copy and share.
"""

import hashlib
import importlib.util
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from suite.errors import ConfigError

USER = "admin"
_PASSWORD = "MLFLOW_AUTH_ADMIN_PASSWORD"
_SETTINGS = """[mlflow]
default_permission = READ
database_uri = sqlite:///{users}
admin_username = {user}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
grant_default_workspace_access = false
"""
"""Without the password, which MLflow takes from the environment."""


@dataclass(frozen=True)
class Login:
    """What the server needs. told: where its user finds the password, for one line."""

    environment: dict[str, str]
    told: str


def login_of(uri: str) -> Login:
    """Return the login of a dashboard over this store; make its secrets at the first call.

    The first password is the environment's `MLFLOW_AUTH_ADMIN_PASSWORD`, else one that is drawn and
    kept in a file that only the user can read. Nothing prints it. Raises `ConfigError` where MLflow
    lacks what it needs for logins.
    """
    if importlib.util.find_spec("flask_wtf") is None:
        raise ConfigError(
            "--auth: MLflow's login needs Flask-WTF; install it, pip install 'triathlon[auth]'"
        )
    folder = _folder(uri)
    given = os.environ.get(_PASSWORD)
    users = folder / "users.db"
    if given:
        told = f"user {USER}, password as {_PASSWORD} has it"
        if users.exists():
            told += " (or as it was set since: it counts at the first start alone)"
    else:
        given = _kept(folder / "password")
        told = f"user {USER}, password in {folder / 'password'}"
    settings = folder / "auth.ini"
    _write(settings, _SETTINGS.format(users=users, user=USER))
    return Login(
        {
            "MLFLOW_AUTH_CONFIG_PATH": str(settings),
            "MLFLOW_AUTH_ADMIN_USERNAME": USER,
            _PASSWORD: given,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": _kept(folder / "key"),
        },
        told,
    )


def _folder(uri: str) -> Path:
    """Return the folder of a store's secrets, which nobody else can enter."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    # The store's address may name its user, and is long: a digest of it tells stores apart.
    name = hashlib.sha256(uri.encode()).hexdigest()[:16]
    folder = Path(home) / "triathlon" / "dashboards" / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"--auth: {folder} cannot be made ({error.strerror}); set XDG_STATE_HOME"
        ) from error
    return folder


def _kept(path: Path) -> str:
    """Return the secret in a file; draw one where there is none."""
    if not path.exists():
        _write(path, secrets.token_urlsafe(24) + "\n")
    path.chmod(0o600)
    return path.read_text(encoding="utf-8").strip()


def _write(path: Path, text: str) -> None:
    """Write a file that is never readable by others, not even while it is written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
