from importlib.util import spec_from_file_location

import pytest

from suite import PluginError
from suite.one_module import package_of, written_in


def written(tmp_path, text):
    path = tmp_path / "chess.py"
    path.write_text(text)
    return written_in(spec_from_file_location("chess", path))


def test_configuration_is_read_without_running_the_module(tmp_path):
    text = 'raise SystemExit\nCONF = {"task/chess": """# Who wins?\n_target_: chess.Chess\n"""}\n'
    assert written(tmp_path, text) == {"task/chess": "# Who wins?\n_target_: chess.Chess\n"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import torch\n", r'has no CONF; give it CONF = \{"task/NAME"'),
        ("CONF = dict(a=1)\n", "has no CONF"),
        ("CONF = {'chess': 'x: 1'}\n", "CONF has 'chess'; name a group and a file: task/NAME"),
        ("CONF = {'../task/chess': 'x: 1'}\n", "name a group and a file"),
        ("CONF = {'task/chess': {'x': 1}}\n", "is no text; write the YAML in quotes"),
    ],
)
def test_what_is_missing_is_told(tmp_path, text, message):
    with pytest.raises(PluginError, match=message):
        written(tmp_path, text)


def test_the_header_of_a_file_says_what_it_is_part_of():
    assert package_of("# @package _global_\n# An experiment.\nseed: 1\n") == "_global_"
    assert package_of("# A task.\nseed: 1\n") is None
