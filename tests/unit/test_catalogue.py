import textwrap
from dataclasses import dataclass
from typing import ClassVar

import pytest

from suite import DataConfig
from suite.catalogue import Option, Tier, by_task, options
from suite.config import ReferenceKind
from suite.errors import ConfigError
from suite.plugins import find


@dataclass(kw_only=True)
class Embedded(DataConfig):
    kind: ClassVar[str] = "image"


@dataclass(kw_only=True)
class Standard(Embedded):
    path: str | None = None
    download: bool = False


@dataclass(kw_only=True)
class Reserved(Standard):
    refuses_download: ClassVar[str] = "its owner sends it"


@dataclass(kw_only=True)
class Yours(Embedded):
    kind: ClassVar[str] = "text"
    train: str = "???"


def option(schema: type | None, text: str = "", name: str = "x") -> Option:
    return Option(group="data", name=name, text=textwrap.dedent(text), schema=schema)


@pytest.mark.parametrize(
    ("schema", "text", "tier", "required", "downloads"),
    [
        (Embedded, "", Tier.EMBEDDED, [], False),
        (Standard, "", Tier.STANDARD, [], True),
        (Reserved, "", Tier.STANDARD, [], False),
        (Yours, "", Tier.YOURS, ["train"], False),
        # The file wins over the schema.
        (Yours, "train: somewhere", Tier.EMBEDDED, [], False),
        (Embedded, "name: ???", Tier.YOURS, ["name"], False),
        (None, "_target_: a.B", Tier.EMBEDDED, [], False),
        (None, "path: ???", Tier.YOURS, ["path"], False),
        (None, "path: null\ndownload: false", Tier.STANDARD, [], True),
    ],
)
def test_where_data_comes_from(
    schema: type | None, text: str, tier: Tier, required: list[str], downloads: bool
) -> None:
    one = option(schema, text)
    assert (one.tier, one.required, one.downloads) == (tier, required, downloads)


def test_the_line_is_the_first_comment_that_is_not_hydras() -> None:
    assert option(None, "# @package _global_\n# What it is.\n# More.\n").line == "What it is."
    assert option(None, "a: 1\n").line == ""


def test_data_by_the_tasks_that_read_it() -> None:
    @dataclass(kw_only=True)
    class Task:
        data_kind: ClassVar[str] = "image"

    def task(name: str, schema: type | None) -> Option:
        return Option(group="task", name=name, text="", schema=schema)

    data = {"a": option(Embedded, name="a"), "b": option(Yours, name="b")}
    tasks = {"see": task("see", Task), "look": task("look", Task), "other": task("other", None)}
    groups = {name: [one.name for one in members] for name, members in by_task(data, tasks).items()}
    assert groups == {"see": ["a"], "look": ["a"], "": ["b"]}


def test_references_are_checked_against_their_schema() -> None:
    one = option(None, "references:\n  - {name: r, value: 9e-1, kind: human, source: Doe}\n")
    (reference,) = one.references()
    assert (reference.value, reference.kind, reference.n) == (0.9, ReferenceKind.human, None)
    assert option(None).references() == []
    with pytest.raises(ConfigError, match="source"):
        option(None, "references:\n  - {name: r, value: 0.9}\n").references()


DATA = options("data", find())
KNOWN = [one for one in DATA.values() if one.references()]


@pytest.mark.parametrize("one", KNOWN, ids=lambda one: one.name)
def test_what_is_known_in_conf_is_well_formed(one: Option) -> None:
    labels = [(r.metric, r.name, r.uses) for r in one.references()]
    assert len(set(labels)) == len(labels)
    # A reference holds on one test split; without its size it would be compared on any.
    assert one.defaults["test_examples"] > 0
    for reference in one.references():
        assert reference.name
        # All but the return of an episode, a sum of rewards, are shares.
        assert reference.metric == "return" or 0 < reference.value < 1
        assert reference.n is None or reference.n > 0


@pytest.mark.parametrize("one", DATA.values(), ids=lambda one: one.name)
def test_nothing_is_known_of_the_users_own_files(one: Option) -> None:
    assert one.tier is not Tier.YOURS or not one.references()


def test_the_suites_own_sets_are_told_apart() -> None:
    tiers = {name: DATA[name].tier for name in ("digits", "spoken_words", "imagefolder", "an4")}
    assert tiers == {
        "digits": Tier.EMBEDDED,
        "spoken_words": Tier.EMBEDDED,
        "imagefolder": Tier.YOURS,
        "an4": Tier.STANDARD,
    }
    assert not DATA["an4"].downloads
    assert DATA["librispeech"].downloads


@pytest.mark.parametrize(
    ("text", "fault"), [("a: [1", "while parsing a flow sequence"), ("- a", "is a list, must be")]
)
def test_file_that_cannot_be_read_has_a_fault_and_no_options(text: str, fault: str) -> None:
    one = option(Yours, text)
    assert fault in one.fault
    assert (one.plain, one.required) == ({}, ["train"])
    assert option(Yours, "a: 1").fault == ""
