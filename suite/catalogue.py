"""What there is to choose: the files of `conf/` and of the plugins, read without composing them."""

import enum
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from suite.clashes import OWN
from suite.config import SCHEMAS, ReferenceConfig
from suite.errors import one_line
from suite.plugins import Found

_MISSING = "???"


class Tier(enum.Enum):
    """Where the data of a source comes from."""

    EMBEDDED = "embedded"
    STANDARD = "standard"
    YOURS = "yours"


@dataclass(frozen=True, kw_only=True)
class Option:
    """A file of `conf/<group>/`. line: its first comment. schema: the dataclass it extends.

    users: it lies in a folder of the user's own.
    """

    group: str
    name: str
    text: str
    schema: type | None
    users: bool = False

    @property
    def line(self) -> str:
        """The first comment, without its mark."""
        comments = (row.lstrip("# ") for row in self.text.splitlines() if row.startswith("#"))
        return next((one for one in comments if one and not one.startswith("@package")), "")

    @property
    def kind(self) -> str:
        """What a data set holds, or what a task takes."""
        key = "data_kind" if self.group == "task" else "kind"
        return str(self.plain.get(key) or getattr(self.schema, key, ""))

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """Options that the file or the schema gives, by name."""
        given: dict[str, Any] = {}
        if self.schema is not None and is_dataclass(self.schema):
            given = {f.name: f.default for f in fields(self.schema)}
        return given | {k: v for k, v in self.plain.items() if k != "defaults"}

    @property
    def required(self) -> list[str]:
        """Options that the user has to give."""
        return [name for name, value in self.defaults.items() if value == _MISSING]

    @property
    def tier(self) -> Tier:
        """The user's own files, a set as published, or nothing to get."""
        if self.users or self.required:
            return Tier.YOURS
        return Tier.STANDARD if {"path", "download"} & set(self.defaults) else Tier.EMBEDDED

    @property
    def downloads(self) -> bool:
        """Whether `data.download=true` fetches it."""
        return "download" in self.defaults and not getattr(self.schema, "refuses_download", "")

    @cached_property
    def plain(self) -> Mapping[str, Any]:
        """The file's content; nothing where it has a fault."""
        return self._read[0]

    @property
    def fault(self) -> str:
        """Why the file cannot be read; empty where it can."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[Mapping[str, Any], str]:
        import yaml

        try:
            plain = yaml.safe_load(self.text) or {}
        except yaml.YAMLError as error:
            return {}, one_line(str(error))
        if not isinstance(plain, dict):
            return {}, f"is a {type(plain).__name__}, must be keys and values"
        return plain, ""

    def references(self) -> Sequence[ReferenceConfig]:
        """Return the references in the file, checked against their schema."""
        from omegaconf import OmegaConf

        known = OmegaConf.select(OmegaConf.create(self.text), "references") or ()
        return [_reference(OmegaConf.merge(ReferenceConfig, one)) for one in known]


def options(
    group: str, found: Found, *, own: bool = False, folder: Path | None = None
) -> dict[str, Option]:
    """Return a group's options by name, sorted.

    own: those of the suite alone, not of plugins. folder: a user's own, as `--config-dir` names it.
    """
    schemas = {**SCHEMAS, **{k: v for p in found.plugins.values() for k, v in p.schemas.items()}}
    texts: dict[str, str] = {}
    for name, text in _texts(group, found, own):
        texts.setdefault(name, text)
    theirs = dict(_files(folder / group)) if folder and (folder / group).is_dir() else {}
    texts = {**theirs, **texts}
    return {
        name: Option(
            group=group,
            name=name,
            text=text,
            schema=_schema(group, name, texts, schemas),
            users=text is theirs.get(name),
        )
        for name, text in sorted(texts.items())
    }


def there_is(group: str, name: str, found: Found) -> bool:
    """Return whether the suite or a plugin has this file; a name may have folders before it."""
    inner, _, last = name.rpartition("/")
    return any(one == last for one, _ in _texts(f"{group}/{inner}".rstrip("/"), found, False))


def _schema(
    group: str, name: str, texts: Mapping[str, str], schemas: Mapping[str, type]
) -> type | None:
    """Return the dataclass that a file extends, itself or through another file of its group."""
    seen: set[str] = set()
    while name in texts and name not in seen:
        if f"{group}/{name}" in schemas:
            return schemas[f"{group}/{name}"]
        seen.add(name)
        for base in bases(texts[name]):
            path = base.partition("@")[0].removeprefix("/")
            if path.startswith("schema/"):
                return schemas.get(path.removeprefix("schema/"))
            if path.removeprefix(f"{group}/") in texts:
                name = path.removeprefix(f"{group}/")
                break
    return None


def bases(text: str) -> list[str]:
    """Return what a file's list of defaults takes in as it stands."""
    import yaml

    try:
        plain = yaml.safe_load(text)
    except yaml.YAMLError:  # its `fault` tells
        return []
    listed = plain.get("defaults", ()) if isinstance(plain, Mapping) else ()
    return [one for one in listed or () if isinstance(one, str)]


def _reference(merged: Any) -> ReferenceConfig:
    from omegaconf import OmegaConf

    checked: ReferenceConfig = OmegaConf.to_object(merged)  # type: ignore[assignment]
    return checked


def by_task(data: Mapping[str, Option], tasks: Mapping[str, Option]) -> dict[str, list[Option]]:
    """Return the data sets that each task reads, by the task's name.

    Those of several tasks are named with each; those of none under an empty name.
    """
    groups = {
        name: [one for one in data.values() if one.kind == task.kind]
        for name, task in tasks.items()
        if task.kind
    }
    placed = {one.name for members in groups.values() for one in members}
    groups[""] = [one for one in data.values() if one.name not in placed]
    return {name: members for name, members in groups.items() if members}


def _texts(group: str, found: Found, own: bool) -> Iterator[tuple[str, str]]:
    """Yield name and text of each file of a group: the suite's, then the plugins'."""
    conf = [None if own else p.conf for p in found.plugins.values()]
    packages = [OWN, *(one.removeprefix("pkg://") for one in conf if isinstance(one, str))]
    for package in packages:
        if pkgutil.resolve_name(package) and files(package).joinpath(group).is_dir():
            yield from _files(files(package) / group)
    for one in conf:
        for path, text in one.items() if isinstance(one, Mapping) else ():
            if path.rpartition("/")[0] == group:
                yield path.rpartition("/")[2], text


def _files(folder: Traversable) -> Iterator[tuple[str, str]]:
    for file in folder.iterdir():
        name, dot, ending = file.name.rpartition(".")
        if dot and ending == "yaml":
            # One plugin's file must not keep the others' from being listed.
            yield name, file.read_bytes().decode("utf-8", "backslashreplace")
