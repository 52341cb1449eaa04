"""Passwords go from the command line into the environment, and nowhere else."""

import os

import pytest
from omegaconf.errors import OmegaConfBaseException

from suite.compose import compose
from suite.errors import ConfigError
from suite.trust.secrets import holds_secret, redacted, stripped, withhold

SECRET = "hunter2secret"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRACKING_USERNAME", "TRACKING_PASSWORD", "TRACKING_TOKEN"):
        monkeypatch.setenv(f"MLFLOW_{name}", "")
    monkeypatch.setenv("PGPASSWORD", "")


@pytest.mark.parametrize(
    ("given", "safe", "variable"),
    [
        (f"tracking.uri=http://me:{SECRET}@host:5000", "tracking.uri=http://host:5000", "MLFLOW"),
        (f"++tracking.uri='https://me:{SECRET}@host'", "++tracking.uri='https://host'", "MLFLOW"),
        (f"--uri=http://me:{SECRET}@host/a?b=c", "--uri=http://host/a?b=c", "MLFLOW"),
        (f"postgresql://me:{SECRET}@db/mlflow", "postgresql://me@db/mlflow", "PG"),
        (f"postgresql+psycopg://me@db/m?password={SECRET}&sslmode=on",
         "postgresql+psycopg://me@db/m?sslmode=on", "PG"),
    ],
)  # fmt: skip
def test_a_password_goes_into_the_environment(given: str, safe: str, variable: str) -> None:
    assert withhold(["seed=1", given]) == ["seed=1", safe]
    name = "PGPASSWORD" if variable == "PG" else "MLFLOW_TRACKING_PASSWORD"
    assert os.environ[name] == SECRET


def test_a_password_is_percent_decoded() -> None:
    stripped("http://me%40here:a%2Fb%40c@host")
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "me@here"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "a/b@c"


@pytest.mark.parametrize(
    "given",
    [f"http://me:{SECRET[:4]}/{SECRET[4:]}@host", f"mysql://me:{SECRET}@host/db",
     f"http://host?token={SECRET}", f"postgresql://host/db?sslpassword={SECRET}",
     f"tracking.uri=[http://me:{SECRET}@host]", f"tracking={{uri: 'http://me:{SECRET}@host'}}"],
)  # fmt: skip
def test_a_secret_that_cannot_be_handed_on_is_refused_unseen(given: str) -> None:
    with pytest.raises(ConfigError, match=r"holds a password or token") as raised:
        withhold([given])
    assert SECRET not in str(raised.value)
    assert SECRET[4:] not in str(raised.value)


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:5000", "http://host:80/a@b", "sqlite:////home/me@work/a:b@c.db",
     "postgresql://triathlon@/postgres?host=/run/x", "https://host/a?b=c"],
)  # fmt: skip
def test_what_has_no_secret_is_left_alone(uri: str) -> None:
    assert stripped(uri) == uri
    assert not holds_secret(uri)


@pytest.mark.parametrize(
    "uri",
    [f"http://me:{SECRET}@host", f"https://{SECRET}@host", f"http://h/?access_token={SECRET}"],
)
def test_a_configuration_with_one_is_refused_unseen(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"tracking\.uri: holds a password") as raised:
        compose([f"tracking.uri='{uri}'"])
    assert SECRET not in str(raised.value)


def test_messages_are_blotted_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", SECRET)
    said = redacted(f"http://me:other@host gave 401 for {SECRET}; https://h/?api_key=abc&x=1")
    assert said == "http://***@host gave 401 for ***; https://h/?api_key=***&x=1"
    assert redacted("at http://127.0.0.1:5000 (a@b)") == "at http://127.0.0.1:5000 (a@b)"


def test_the_environment_gives_what_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIATHLON_TEST", "fine")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SECRET)
    monkeypatch.setenv("DATABASE", f"http://me:{SECRET}@host")
    assert compose(["name=${oc.env:TRIATHLON_TEST}"]).name == "fine"
    assert compose(["name=${oc.env:TRIATHLON_NONE,other}"]).name == "other"
    for name in ("AWS_ACCESS_KEY_ID", "DATABASE"):
        with pytest.raises((ConfigError, OmegaConfBaseException), match=name) as raised:
            compose([f"name=${{oc.env:{name}}}"])
        assert SECRET not in str(raised.value)
