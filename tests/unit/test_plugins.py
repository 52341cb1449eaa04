from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from suite import CONTRACT, ConfigError, Plugin, PluginError
from suite.plugins import check_target, find, register


@pytest.fixture
def entry_points(monkeypatch):
    """Replace what is installed; what was found before is forgotten, and again afterwards."""

    def install(**loaders):
        def points(*, group):
            assert group == "triathlon.plugins"
            return [
                SimpleNamespace(
                    name=name, module=name, attr="plugin", value=f"{name}:plugin", load=load
                )
                for name, load in loaders.items()
            ]

        monkeypatch.setattr("importlib.metadata.entry_points", points)
        find.cache_clear()
        register.cache_clear()

    yield install
    monkeypatch.undo()
    find.cache_clear()
    register.cache_clear()


def _broken():
    raise ImportError("no module named wurlitzer")


@dataclass
class Schema:
    value: int = 0


def test_own_tasks_are_a_plugin_like_any_other():
    assert find().plugins["triathlon"].package == "tasks"
    assert "task/image_recognition" in find().plugins["triathlon"].schemas


def test_broken_plugin_is_listed_and_breaks_no_other(entry_points):
    good = Plugin(package="chess")
    entry_points(bad=_broken, chess=lambda: good, wrong=lambda: 7)
    found = find()
    assert found.plugins == {"chess": good}
    assert found.broken == {
        "bad": "ImportError: no module named wurlitzer",
        "wrong": "PluginError: wrong:plugin is a int, not a suite.Plugin",
    }


def test_plugin_that_asks_to_exit_or_cannot_be_composed_breaks_no_other(entry_points):
    def leave():
        raise SystemExit("no licence")

    @dataclass
    class Wrong:
        value: Callable[[int], int] = abs

    entry_points(
        leaves=leave,
        wrong=lambda: Plugin(package="wrong", schemas={"task/wrong": Wrong}),
        chess=lambda: Plugin(package="chess", schemas={"task/chess": Schema}),
    )
    register()
    assert list(find().plugins) == ["chess"]
    assert find().broken["leaves"] == "SystemExit: no licence"
    assert "Unexpected type annotation" in find().broken["wrong"]


@pytest.mark.parametrize(
    ("conf", "told"),
    [
        ("pkg://chess_of_nobody", "conf=pkg://chess_of_nobody: must be pkg:// and a package"),
        ("file:///etc", "conf=file:///etc: must be pkg://"),
    ],
)
def test_configuration_that_is_not_installed_is_told(entry_points, conf, told):
    entry_points(chess=lambda: Plugin(package="chess", conf=conf))
    assert told in find().broken["chess"]


@pytest.mark.parametrize(
    ("schema", "other"), [("backbone/mlp", "triathlon"), ("task/chess", "one")]
)
def test_schema_that_two_have_names_both(entry_points, schema, other):
    entry_points(
        one=lambda: Plugin(package="one", schemas={"task/chess": Schema}),
        two=lambda: Plugin(package="two", schemas={schema: Schema}),
    )
    with pytest.raises(PluginError, match=f"plugins {other} and two both have schema {schema}"):
        register()


def test_plugin_of_another_contract_is_told_why(entry_points, monkeypatch):
    entry_points(
        now=lambda: Plugin(package="now", contract=CONTRACT),
        later=lambda: Plugin(package="later", contract=CONTRACT + 1),
    )
    assert list(find().plugins) == ["now"]
    assert f"contract={CONTRACT + 1}: is of a later triathlon" in find().broken["later"]


def test_plugins_that_are_left_out(entry_points, monkeypatch):
    entry_points(bad=_broken, chess=lambda: Plugin(package="chess"))
    monkeypatch.setenv("TRIATHLON_DISABLED_PLUGINS", "bad, ")
    found = find()
    assert (list(found.plugins), found.broken) == (["chess"], {})


def test_one_name_of_two_distributions(entry_points, monkeypatch):
    points = [
        SimpleNamespace(
            name="chess",
            module="chess",
            attr="plugin",
            value="chess:plugin",
            load=lambda: Plugin(package="chess"),
            dist=SimpleNamespace(name=name, version="2", requires=None),
        )
        for name in ("black", "white")
    ]
    entry_points()
    monkeypatch.setattr("importlib.metadata.entry_points", lambda *, group: points)
    (told,) = find().clashing
    assert told.startswith("plugins chess (black 2) and chess (white 2) have the same name")


@pytest.mark.parametrize(
    "target", ["os.system", "builtins.eval", "suiteness.x", "", "subprocess.run", "chess.Task"]
)
def test_target_outside_of_the_packages_is_refused(target):
    with pytest.raises(ConfigError, match=f"_target_={target}: must lie in .* suite, tasks"):
        check_target(target)


def test_target_of_a_plugin_is_fine(entry_points):
    assert check_target("suite.backbones.MLP") == "suite.backbones.MLP"
    assert check_target("tasks.x") == "tasks.x"
    entry_points(chess=lambda: Plugin(package="chess"))
    assert check_target("chess.Task") == "chess.Task"
    with pytest.raises(ConfigError, match="chess, suite"):
        check_target("tasks.x")


def test_configuration_of_a_plugin_joins_the_search_path(entry_points):
    from hydra._internal.config_search_path_impl import ConfigSearchPathImpl

    from suite.plugins import _search_path_plugin

    # Any package does that is installed.
    entry_points(
        chess=lambda: Plugin(package="chess", conf="pkg://hydra.conf"),
        bare=lambda: Plugin(package="bare"),
    )
    path = ConfigSearchPathImpl()
    _search_path_plugin()().manipulate_search_path(path)
    assert [(e.provider, e.path) for e in path.config_search_path] == [
        ("chess", "pkg://hydra.conf")
    ]
