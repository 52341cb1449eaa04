"""What there is to choose: the files of `conf/` and of the plugins, read without composing them."""

import enum
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
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
    """A file of `conf/<group>/`. line: its first comment. schema: the dataclass it extends."""

    group: str
    name: str
    text: str
    schema: type | None

    @property
    def line(self) -> str:
        """The first comment, without its mark."""
        comments = (row.lstrip("# ") for row in self.text.splitlines() if row.startswith("#"))
        return next((one for one in comments if one and not one.startswith("@package")), "")

    @property
    def kind(self) -> str:
        """What a data set holds, or what a task takes."""
        return str(getattr(self.schema, "data_kind" if self.group == "task" else "kind", ""))

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
        if self.required:
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


def options(group: str, found: Found, *, own: bool = False) -> dict[str, Option]:
    """Return a group's options by name, sorted. own: those of the suite alone, not of plugins."""
    schemas = {**SCHEMAS, **{k: v for p in found.plugins.values() for k, v in p.schemas.items()}}
    read: dict[str, Option] = {}
    for folder in _folders(group, found, own):
        for file in folder.iterdir():
            name, dot, ending = file.name.rpartition(".")
            if dot and ending == "yaml" and name not in read:
                # One plugin's file must not keep the others' from being listed.
                text = file.read_bytes().decode("utf-8", "backslashreplace")
                schema = schemas.get(f"{group}/{name}")
                read[name] = Option(group=group, name=name, text=text, schema=schema)
    return dict(sorted(read.items()))


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


def _folders(group: str, found: Found, own: bool) -> Iterator[Traversable]:
    packages = [OWN]
    if not own:
        packages += [p.conf.removeprefix("pkg://") for p in found.plugins.values() if p.conf]
    for package in packages:
        if pkgutil.resolve_name(package):
            folder = files(package) / group
            if folder.is_dir():
                yield folder
