"""Passwords and tokens: taken from the command line into the environment, and kept nowhere.

Runs, sweeps and trackers keep the tracker's URI in a dozen places, so a secret is taken out of it
before anything sees it. The environment hands it on to the processes of this command alone, where
MLflow and PostgreSQL's own library look for it; `triathlon sync` of another day finds it there if
the user has set it (or in ~/.pgpass), and else says so.
"""

import base64
import os
import re
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, quote, unquote, urlencode

from suite.errors import ConfigError

_SERVER, _POSTGRES = re.compile(r"https?"), re.compile(r"postgres(ql)?(\+\w+)?")
_VARIABLES = {
    "server": ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"),
    "postgres": ("PGUSER", "PGPASSWORD"),
}
_KNOWN = (
    "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLFLOW_FLASK_SERVER_SECRET_KEY",
    "PGPASSWORD",
)  # fmt: skip
"""Variables whose values are blotted out of messages."""
_NAMES = re.compile(
    r"pass|pwd|token|secret|credential|api_?key|auth|signature|cookie", re.IGNORECASE
)
_USERINFO = re.compile(r"(?<=://)[^/?#\s@:]*:(?!\d+[/?#])[^\s]*@")
_SERVER_USER = re.compile(r"https?://[^/?#\s]+@", re.IGNORECASE)
_ARGUMENT = re.compile(
    r"(?P<key>|--uri=|\+{0,2}tracking\.uri=)(?P<quote>['\"]?)(?P<uri>[a-z][\w+.-]*://.*?)(?P=quote)",
    re.IGNORECASE | re.DOTALL,
)
_SHORTEST = 4
"""Characters of a secret that is looked for in messages: a shorter one would blot out words."""


def withhold(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without the secrets of the tracker's URI, which go to the environment.

    Raises a `ConfigError`, which does not show it, for a secret that cannot be handed on.
    """
    safe = []
    for argument in arguments:
        found = _ARGUMENT.fullmatch(argument)
        if found is None:
            if "tracking" in argument and _USERINFO.search(argument):
                raise _unwelcome("tracking.uri", "give it alone, as tracking.uri=…")
            safe.append(argument)
        else:
            key, quote = found["key"], found["quote"]
            safe.append(f"{key}{quote}{stripped(found['uri'])}{quote}")
    return safe


def stripped(uri: str) -> str:
    """Return the URI without user and password of a server, and without a database's password."""
    scheme, there, rest = uri.partition("://")
    if not there or scheme.lower().startswith("sqlite") or scheme.lower() == "file":
        return uri
    kind = (
        "server" if _SERVER.fullmatch(scheme) else "postgres" if _POSTGRES.fullmatch(scheme) else ""
    )
    # Where the host ends; a slash in a password has to be written as %2F.
    place = re.match(r"[^/?#]*", rest)
    assert place is not None
    beyond = rest[place.end() :]
    if re.match(r"[^:/@]*:(?!\d*([/?#]|$))[^@]*[/?#][^@]*@", rest):
        raise _unwelcome("tracking.uri", "write / ? # @ in it as %2F %3F %23 %40")
    user, at, host = place[0].rpartition("@")
    name, colon, password = user.partition(":")
    if colon and not kind:
        raise _unwelcome("tracking.uri", "only servers and PostgreSQL can be given one apart")
    if colon:
        os.environ[_VARIABLES[kind][1]] = unquote(password)
    if at and kind == "server":
        os.environ[_VARIABLES[kind][0]] = unquote(name)
        at = name = ""
    path, mark, query = beyond.partition("?")
    return f"{scheme}://{name}{at}{host}{path}{mark}{_without_secrets(query, kind)}"


def holds_secret(uri: str) -> bool:
    """Return whether a URI has a password, or a token in its query."""
    if uri.startswith(("sqlite", "file:")) or "://" not in uri:
        return False
    _, _, query = uri.partition("?")
    named = any(_NAMES.search(key) for key, _ in parse_qsl(query, keep_blank_values=True))
    return bool(named or _USERINFO.search(uri) or _SERVER_USER.match(uri))


def redacted(text: str) -> str:
    """Return a message without passwords in URIs, and without those that the environment holds."""
    text = _USERINFO.sub("***@", text)
    text = re.sub(
        r"(?i)([?&][\w.-]*(?:pass|pwd|token|secret|key)[\w.-]*=)[^&\s'\"]+", r"\1***", text
    )
    for secret in _secrets():
        text = text.replace(secret, "***")
    return text


def _secrets() -> Iterator[str]:
    """Yield the secrets of the environment, also as they stand in a request or an address."""
    for name in _KNOWN:
        secret = os.environ.get(name, "")
        if len(secret) >= _SHORTEST:
            yield secret
            yield quote(secret, safe="")
    user, password = (os.environ.get(name, "") for name in _VARIABLES["server"])
    if password:
        yield base64.b64encode(f"{user}:{password}".encode()).decode()


def read_environment(key: str, *default: str | None) -> str | None:
    """Return a variable for `${oc.env:…}`, unless it is a secret: values end up in the records."""
    value = os.environ.get(key)
    if value is None:
        if default:
            return default[0]
        raise ConfigError(f"${{oc.env:{key}}}: the environment has no {key}; set it")
    if _NAMES.search(key) or "KEY" in key.upper() or _USERINFO.search(value):
        raise ConfigError(
            f"${{oc.env:{key}}}: is refused, as it looks like a secret and configurations are "
            "written to records and to the tracker"
        )
    return value


def _without_secrets(query: str, kind: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(_NAMES.search(key) for key, _ in pairs):
        return query
    kept = []
    for key, value in pairs:
        if key == "password" and kind == "postgres":
            os.environ["PGPASSWORD"] = value
        elif _NAMES.search(key):
            raise _unwelcome(f"tracking.uri=…?{key}=…", "set MLFLOW_TRACKING_TOKEN instead")
        else:
            kept.append((key, value))
    return urlencode(kept)


def _unwelcome(key: str, mend: str) -> ConfigError:
    return ConfigError(f"{key}: holds a password or token, which is kept nowhere; {mend}")
