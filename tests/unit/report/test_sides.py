import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.errors import ConfigError, DataError
from suite.record import RunRecord
from suite.report.sides import pairs_of, side


def run(backbone: str, seed: int = 0, **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "run_id": f"{backbone}-{seed}",
        "name": "",
        "status": "finished",
        "task": "image_recognition",
        "data": "digits",
        "backbone": backbone,
        "optimizer": "adamw",
        "seed": seed,
        "config": {"trainer": {"batch_size": 64, "epochs": 2.5}, "hardware": {"device": "cpu"}},
        "config_hash": f"{backbone}aaaa-{seed}",
        "group_hash": f"{backbone}aaaa",
        "data_card": {"name": "digits", "fingerprint": "f"},
        "git": {"commit": "1f3a99"},
        "machine": {"fingerprint": "d922"},
        "metrics": {"test/accuracy": 0.9},
    }
    return RunRecord(**(values | changes))


def written(folder: Path, *runs: RunRecord) -> Path:
    for number, one in enumerate(runs):
        place = folder / "runs" / f"{one.run_id}-{number}"
        place.mkdir(parents=True)
        one.write(place)
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Path:
    wide = {"group_hash": "mlpbbbb", "config_hash": "w", "optimizer": "muon"}
    wide_config: dict[str, Any] = {
        "trainer": {"batch_size": 128, "epochs": 2.5},
        "hardware": {"device": "cpu"},
    }
    wide_config |= {"choices": {"experiment": "wide", "trainer": "long"}}
    return written(
        tmp_path / "results",
        run("mlp"),
        run("mlp", 1),
        run("mlp", 2, **wide, config=wide_config, git={"commit": "77aa"}),
        run("lstm"),
        run("lstm", 1, status="failed", error="boom"),
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("backbone=mlp", ["mlp-0", "mlp-1", "mlp-2"]),
        ("backbone=mlp,optimizer=adamw", ["mlp-0", "mlp-1"]),
        ("trainer.batch_size=128", ["mlp-2"]),
        ("trainer.epochs=2.50,backbone=lstm", ["lstm-0"]),
        ("hardware.device=CPU,backbone=lstm", ["lstm-0"]),
        ("commit=77", ["mlp-2"]),
        ("experiment=wide", ["mlp-2"]),
        ("trainer=long", ["mlp-2"]),
        ("machine=d92,data=digits,optimizer=muon", ["mlp-2"]),
        ("group=lstm", ["lstm-0"]),
        ("lstma", ["lstm-0"]),
        ("mlpbbbb", ["mlp-2"]),
    ],
)
def test_filters_and_hashes_choose_among_the_results(
    results: Path, text: str, found: list[str]
) -> None:
    got = side(text, results)
    assert [one.run_id for group in got.groups for one in group.runs] == found
    assert got.failed == ("lstm" in text or "trainer.epochs" in text)


def test_folders_and_files_are_sides_of_their_own(results: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert len(side(str(results), nowhere).groups) == 3
    one = next(results.glob("runs/lstm-0*/record.json"))
    assert [group.key for group in side(str(one), nowhere).groups] == ["lstmaaaa"]
    many = tmp_path / "many.json"
    many.write_text(json.dumps([run("mlp").plain() | {"later": 1}, run("lstm").plain()]))
    assert [group.key for group in side(str(many), nowhere).groups] == ["lstmaaaa", "mlpaaaa"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("backbone=resnet", "no run has backbone=resnet; there is lstm, mlp"),
        ("backbone=mlp,optimizer=sgd", "no run has optimizer=sgd; there is adamw, muon"),
        ("backbon=mlp", "backbon: no run tells it; did you mean 'backbone'"),
        ("trainer.batchsize=64", "did you mean 'trainer.batch_size'"),
        ("trainer=64", "no run has trainer=64; there is long"),
        ("hardware=gpu", "hardware: no run tells it"),
        ("backbone=mlp,", "an empty part is no filter"),
        ("backbone=", "backbone= is no filter"),
        ("mlp", "neither a file, a folder nor the beginning"),
        ("zzzz", "neither a file, a folder nor the beginning"),
        ("group=mlp", ""),
        ("seed=1", "seed: no run tells it"),
    ],
)
def test_what_is_wrong_is_told(results: Path, text: str, told: str) -> None:
    if not told:
        assert len(side(text, results).groups) == 2
        return
    with pytest.raises((ConfigError, DataError), match=told):
        side(text, results)


def test_a_name_of_nothing_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"^resluts: neither a file nor a folder, and .* holds no run"
    ):
        side("resluts", tmp_path)


def test_a_hash_that_begins_several_is_refused(tmp_path: Path) -> None:
    results = written(tmp_path, run("mlp"), run("mlp", 1, group_hash="mlpaabb"))
    with pytest.raises(DataError, match="mlpaaaa, mlpaabb; give more digits"):
        side("mlpaa", results)


@pytest.mark.parametrize("text", ["3", "[{}]", "[3]", "{", '{"run_id": "a"}'])
def test_what_holds_no_records_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "records.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"records\.json"):
        side(str(path), tmp_path)


def test_what_holds_nothing_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no run; give the results folder"):
        side(str(tmp_path), tmp_path)
    written(tmp_path, run("mlp", status="failed"))
    with pytest.raises(DataError, match=r"holds no finished run \(1 failed\)"):
        side(str(tmp_path), tmp_path)


def sides(tmp_path: Path, ours: list[RunRecord], theirs: list[RunRecord]) -> Any:
    a, b = written(tmp_path / "a", *ours), written(tmp_path / "b", *theirs)
    return side(str(a), a), side(str(b), b)


def again(one: RunRecord, **changes: Any) -> RunRecord:
    return replace(one, run_id=f"{one.run_id}-again", **changes)


def test_groups_of_one_configuration_meet(tmp_path: Path) -> None:
    ours = [run("mlp"), run("lstm")]
    pairs, alone = pairs_of(
        *sides(tmp_path, ours, [*map(again, ours), run("resnet", run_id="new")])
    )
    assert [(one.key, other.key) for one, other in pairs] == [
        ("lstmaaaa", "lstmaaaa"),
        ("mlpaaaa", "mlpaaaa"),
    ]
    assert [group.key for group in alone] == ["resnetaaaa"]


def test_then_those_of_one_name_and_then_what_is_left(tmp_path: Path) -> None:
    ours = [run("mlp"), run("lstm"), run("resnet")]
    theirs = [
        again(run("mlp"), group_hash="changed"),
        again(run("lstm"), group_hash="changed too"),
        again(run("conformer")),
    ]
    pairs, alone = pairs_of(*sides(tmp_path, ours, theirs))
    assert sorted((one.backbone, other.backbone) for one, other in pairs) == [
        ("lstm", "lstm"),
        ("mlp", "mlp"),
        ("resnet", "conformer"),
    ]
    assert alone == []


def test_data_of_another_version_does_not_meet(tmp_path: Path) -> None:
    other = again(run("mlp"), data_card={"name": "digits", "fingerprint": "g"})
    with pytest.raises(ConfigError, match="A holds mlp \\+ adamw on digits, B holds mlp"):
        pairs_of(*sides(tmp_path, [run("mlp")], [other]))


def test_what_could_meet_several_meets_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no data set on which one group meets one other"):
        pairs_of(*sides(tmp_path, [run("mlp")], [run("lstm"), run("resnet")]))


def test_one_run_on_both_sides_is_refused(results: Path) -> None:
    first, second = side("backbone=mlp,optimizer=adamw", results), side("optimizer=adamw", results)
    with pytest.raises(ConfigError, match="mlp \\+ adamw on digits: is on both sides"):
        pairs_of(first, second)
