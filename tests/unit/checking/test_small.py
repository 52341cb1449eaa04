"""There is a small model of every backbone."""

from pathlib import Path

from suite.checking.small import SMALL


def test_every_backbone_of_conf_is_among_these():
    files = (Path(__file__).parents[3] / "conf" / "backbone").glob("*.yaml")
    assert {file.stem for file in files} == {*SMALL, "svm"}
