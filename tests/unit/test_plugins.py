from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from suite import ConfigError, Plugin, PluginError
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


@pytest.mark.parametrize("schema", ["backbone/mlp", "task/chess"])
def test_schema_that_two_have_is_named(entry_points, schema):
    entry_points(
        one=lambda: Plugin(package="one", schemas={"task/chess": Schema}),
        two=lambda: Plugin(package="two", schemas={schema: Schema}),
    )
    with pytest.raises(PluginError, match=f"plugin two: schema {schema} is already taken"):
        register()


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

    entry_points(
        chess=lambda: Plugin(package="chess", conf="pkg://chess.conf"),
        bare=lambda: Plugin(package="bare"),
    )
    path = ConfigSearchPathImpl()
    _search_path_plugin()().manipulate_search_path(path)
    assert [(e.provider, e.path) for e in path.config_search_path] == [
        ("chess", "pkg://chess.conf")
    ]
