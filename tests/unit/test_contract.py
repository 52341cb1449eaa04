from types import SimpleNamespace

import pytest

from suite import CONTRACT, PluginError, contract
from suite.contract import check_contract, check_requirement, skew


def entry(name="chess", requires=None):
    return SimpleNamespace(dist=SimpleNamespace(name=name, requires=requires))


@pytest.fixture
def third(monkeypatch):
    """Have the suite be two contracts on."""
    monkeypatch.setattr(contract, "CONTRACT", 3)
    monkeypatch.setattr(contract, "OLDEST", 3)
    changes = {2: "Task.loss returns a Loss", 3: "Batch counts units"}
    monkeypatch.setattr(contract, "CHANGES", changes)


def test_this_contract_is_fine():
    check_contract(CONTRACT)


def test_older_plugin_is_told_what_changed_since(third):
    with pytest.raises(PluginError) as caught:
        check_contract(2)
    assert "contract=2: is too old" in str(caught.value)
    assert "takes plugins from contract 3 on; install a later version" in str(caught.value)
    assert str(caught.value).endswith("or mend it; contract 3: Batch counts units")


def test_later_plugin_is_told_to_upgrade():
    with pytest.raises(PluginError, match=r"is of a later triathlon.*--upgrade triathlon"):
        check_contract(CONTRACT + 1)


@pytest.mark.parametrize("version", [0, -1, 1.5, "1", True, None])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(PluginError, match=r"contract=.*: must be a whole number from 1 on"):
        check_contract(version)


@pytest.mark.parametrize(
    "requires",
    [
        None,
        [],
        ["numpy<2"],
        ["triathlon"],
        ["triathlon>=0.1"],
        ["Triathlon-extras>=9"],
        ["triathlon=="],
    ],
)
def test_requirement_that_holds_or_says_nothing(requires):
    check_requirement(entry(requires=requires))


def test_requirement_that_does_not_hold_is_told():
    wanted = "asks for triathlon<7,>=6, and this is .*: pip install 'triathlon<7,>=6'"
    with pytest.raises(PluginError, match=wanted):
        check_requirement(entry(requires=["numpy", "triathlon>=6,<7"]))
    assert "it asks for triathlon<7,>=6" in skew(entry(requires=["triathlon>=6,<7"]))
    check_requirement(entry("triathlon", ["triathlon>=6"]))
