"""`triathlon check`, as a user calls it."""

import json

import numpy as np
import pytest
from PIL import Image

from suite.checking.all import CHECKS
from tasks.image_recognition.task import ImageRecognition

QUICK = ("--only", "construction,opens,card,axes,loss,groups")


def test_a_data_set_is_checked_with_the_task_that_reads_it(inside, tmp_path):
    said = inside("check", "spoken_words", "data.voices=12", "data.per_word=1", *QUICK,
                  "--json", "seen.json")  # fmt: skip
    assert said.code == 0, said
    assert "speech_recognition · spoken_words · mlp: 6 passed, in" in said.out
    (seen,) = json.loads((tmp_path / "seen.json").read_text())["checked"]
    assert (seen["task"], seen["data"], seen["passed"]) == (
        "speech_recognition", "spoken_words", True,
    )  # fmt: skip
    assert [one["check"] for one in seen["checks"]] == [
        "construction", "opens", "card", "axes", "groups", "loss",
    ]  # fmt: skip


def test_an_experiment_is_checked_with_its_backbone_and_a_part_of_its_data(inside):
    said = inside("check", "experiment=language_names", "--only", "counts,opens,splits,cost")
    assert said.code == 0, said
    assert "29,015 train" in said.out
    assert "2,048 train" in said.out
    assert "of 64 steps" in said.out


def test_what_is_broken_is_told_with_where_and_how(inside, monkeypatch, tmp_path):
    def properties(self, split, indices):
        return {"size": {}["sides"]}

    monkeypatch.setattr(ImageRecognition, "properties", properties)
    said = inside("check", "image_recognition", "--only", "opens,properties", "--json", "seen.json")
    assert said.code == 1
    assert "Traceback" not in said.out + said.error
    told = " ".join(said.out.split())
    assert "properties raises KeyError: 'sides' where: test_what_is_broken" in told
    assert "test_check.py:" in told
    assert "mend: mend the exception" in told
    assert "1 passed, 1 failed, in" in told
    (seen,) = json.loads((tmp_path / "seen.json").read_text())["checked"]
    assert seen["passed"] is False
    assert seen["checks"][1]["verdict"] == "failed"


def test_a_users_own_folder(inside, tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for kind in ("daisy", "rose"):
            for i in range(20):
                at = tmp_path / "photos" / split / kind / f"{i}.png"
                at.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(at)
    folder = tmp_path / "my conf" / "data"
    folder.mkdir(parents=True)
    (folder / "flowers.yaml").write_text("defaults: [imagefolder, _self_]\npath: photos\n")
    said = inside("check", "flowers", "--config-dir", "my conf", "--only", "opens,splits,counts")
    assert said.code == 0, said
    assert "image_recognition · flowers · mlp: 3 passed" in said.out


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["digit"], ["check digit: no such task", "did you mean 'digits'?"]),
        ([], ["give the name of a task"]),
        (["digits", "--only", "axis"], ["--only axis: no such check; did you mean 'axes'?"]),
        (["digits", "--config-dir", "nowhere"], ["--config-dir nowhere: is no folder"]),
        (["backbone=mlp"], ["check backbone=mlp: give a task, a data set or an experiment"]),
        (["imagefolder", "data.path=no/where"], ["data.path=no/where"]),
        (["digits", "backbone=whisper"], ["backbone=whisper: takes wave"]),
    ],
)
def test_bad_input_is_refused_in_a_line(inside, arguments, parts):
    inside("check", *arguments).refused(*parts)


def test_the_checks_are_listed(inside):
    said = inside("check", "--list")
    lines = said.out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [check.name for check in CHECKS]
    assert all(line.partition(": ")[2] for line in lines)
