import pytest

from suite import ConfigError, Plugin
from suite.new.naming import check_name, kind_of
from suite.plugins import Found, find


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Birds", "lower-case letters"),
        ("bird songs", "lower-case letters"),
        ("../birds", "lower-case letters"),
        ("2birds", "lower-case letters"),
        ("", "lower-case letters"),
        ("b" * 25, "at most 24"),
        ("class", "a word of Python's own"),
        ("match", "a word of Python's own"),
        ("json", "standard library"),
        ("suite", "a package of the suite"),
        ("image_recognition", "a task of that name"),
        ("digits", "a data of that name"),
        ("numpy", "a package of that name is installed"),
    ],
)
def test_a_name_that_will_not_do_is_refused(name, why):
    with pytest.raises(ConfigError, match=why):
        check_name(name, find(), package=True)


def test_a_plugin_s_name_is_taken_even_where_it_is_broken():
    found = Found({"chess": Plugin(package="chess")}, {"checkers": "ImportError"})
    for name in ("chess", "checkers"):
        with pytest.raises(ConfigError, match="a plugin of that name"):
            check_name(name, found, package=False)


def test_a_name_that_is_free_will_do():
    check_name("bird_songs2", find(), package=True)
    check_name("numpy", find(), package=False)  # its module is tasks.numpy
    assert kind_of("bird_songs2") == "BirdSongs2"
