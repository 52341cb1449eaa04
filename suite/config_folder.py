"""A user's own folder of configuration: `--config-dir my_conf` adds data sets without any Python.

`my_conf/data/flowers.yaml` is `data=flowers`, `my_conf/experiment/garden.yaml` is
`experiment=garden`. Paths in these files are relative to the folder that a command is given in, as
they are on the command line.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from suite.catalogue import bases, options, there_is
from suite.errors import ConfigError, nearest
from suite.hydra_errors import not_yaml
from suite.plugins import Found, find

_OPTION, _SHORT = "--config-dir", "-cd"


def folder_in(arguments: Sequence[str]) -> Path | None:
    """Return the folder that Hydra's own arguments name; None without one.

    Hydra takes any beginning of the option that is no other's.
    """
    for place, argument in enumerate(arguments):
        given, equals, value = argument.partition("=")
        if given != _SHORT and not (given.startswith("--config-d") and _OPTION.startswith(given)):
            continue
        if equals:
            return Path(value)
        if place + 1 < len(arguments):
            return Path(arguments[place + 1])
    return None


def checked(folder: Path | None) -> Path | None:
    """Return the folder, absolute, or raise a `ConfigError` that names a file which will not do."""
    if folder is None:
        return None
    if not folder.is_dir():
        raise ConfigError(f"{_OPTION} {folder}: is no folder; give one that has data/NAME.yaml")
    from suite.compose import GROUPS

    found = find()
    for group in GROUPS:
        for path in sorted((folder / group).rglob("*.yaml")):
            name = path.relative_to(folder / group).with_suffix("").as_posix()
            if there_is(group, name, found):
                # Theirs would win without a word.
                raise ConfigError(
                    f"{path}: there is a {group} {name} already, which would win; rename the file"
                )
            _check_file(path, folder, group, found)
    return folder.resolve()


def _check_file(path: Path, folder: Path, group: str, found: Found) -> None:
    """Refuse what is no YAML, and what is like nothing that there is."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        plain = yaml.safe_load(text) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(not_yaml(path, error)) from error
    if not isinstance(plain, Mapping):
        raise ConfigError(f"{path}: holds no settings; write them as key: value")
    known = options(group, found, folder=folder)
    for base in bases(text):
        plainly = re.fullmatch(r"\w+", base) is not None and base != "_self_"
        if plainly and base not in known:
            raise ConfigError(f"{path}: defaults: no {group} {base}{nearest(base, known)}")
    if group == "data" and not {"defaults", "_target_"} & set(plain):
        raise ConfigError(
            f"{path}: does not say what it is like; begin with defaults: [imagefolder]"
        )


def search_path(folder: Path | None) -> list[str]:
    """Return the override that lets Hydra look in a folder as well."""
    return [] if folder is None else [f"hydra.searchpath=[{_quoted(folder)}]"]


def _quoted(folder: Path) -> str:
    """Return the folder as a string of Hydra's grammar, whatever characters it has."""
    escaped = str(folder).replace("'", "\\'")
    return f"'file://{escaped}'"
