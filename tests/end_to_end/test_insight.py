"""`triathlon insight`: a finished run looked into; what reaches its folder, the page and MLflow."""

import json

import pytest

RUN = ["backbone=mlp", "backbone.width=16", "trainer=smoke", "hardware=cpu_single"]
QUICK = ["--examples", "64", "--controls", "2", "--only", "probes,similarity"]


def _names(folder):
    return sorted(run.name for run in (folder / "results" / "runs").iterdir())


def test_what_is_found_lies_with_the_run_and_in_mlflow(inside, tmp_path):
    from mlflow import MlflowClient

    assert inside(*RUN).code == 0
    (name,) = _names(tmp_path)
    run = tmp_path / "results" / "runs" / name
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    said = inside("insight", name, *QUICK)
    assert said.code == 0, said
    assert said.error == ""
    assert "Does training make the label easier to read from layer to layer? " in said.out
    assert "Which layers are alike" in said.out
    assert {path: path.read_bytes() for path in before} == before
    found = {path.name: path.read_bytes() for path in (run / "insight").iterdir()}
    assert set(found) == {"insight.json", "insight.md", "probes_scores_by_depth.png",
                          "similarity_layers.png"}  # fmt: skip
    sections = {one["name"]: one for one in json.loads(found["insight.json"])["sections"]}
    assert list(sections) == ["probes", "similarity"]
    assert len(sections["probes"]["numbers"]["untrained"]) == 2
    client = MlflowClient(f"sqlite:///{tmp_path / 'results' / 'mlflow.db'}")
    state = json.loads((run / "tracking.json").read_text())
    metrics = client.get_run(state["run"]).data.metrics
    output = sections["probes"]["metrics"]["label_output"]
    assert metrics["insight/probes/label_output"] == output
    kept = {file.path for file in client.list_artifacts(state["run"], "insight")}
    assert kept == {f"insight/{file}" for file in found}

    # Made again it is the same; a section alone leaves the others where they are.
    assert inside("insight", name, *QUICK, "--only", "similarity").code == 0
    assert {path.name: path.read_bytes() for path in (run / "insight").iterdir()} == found
    assert inside("report").code == 0
    page = (tmp_path / "results" / "report.html").read_text()
    assert "Score of label by layer" in page
    assert "insight" in page


def test_a_tracker_that_is_away_costs_one_line_and_nothing(inside, tmp_path):
    assert inside(*RUN).code == 0
    (name,) = _names(tmp_path)
    told = tmp_path / "results" / "runs" / name / "tracking.json"
    state = json.loads(told.read_text())
    told.write_text(json.dumps({**state, "uri": "http://127.0.0.1:9"}))
    said = inside("insight", name, *QUICK, "--only", "probes")
    assert said.code == 0
    (line,) = said.error.strip().splitlines()
    assert f"Send it later: triathlon insight {name} --send" in line
    told.write_text(json.dumps(state))
    said = inside("insight", name, "--send")
    assert (said.code, said.error) == (0, "")


def test_other_runs_are_compared_where_examples_or_labels_pair_them(inside, tmp_path):
    for seed in (0, 1):
        assert inside(*RUN, "tracking=none", f"seed={seed}").code == 0
    speech = ["task=speech_recognition", "data.voices=12", "data.per_word=1"]
    assert inside(*speech, *RUN, "tracking=none").code == 0
    assert inside("task=text_classification", *RUN, "tracking=none").code == 0
    one, other, phrases, spoken = sorted(_names(tmp_path), key=lambda name: name.split("-")[2:])
    said = inside("insight", one, *QUICK, "--against", other, spoken)
    assert said.code == 0, said
    assert f"{other}: output " in said.out
    assert "Over 2 runs that differ in their seed alone" in said.out
    assert "(CKA over 64 test examples); most alike: stem" in said.out
    assert "pairs of test examples of one label)" in said.out
    assert "with pairs exchanged" in said.out
    said = inside("insight", one, *QUICK, "--only", "similarity", "--against", phrases)
    assert said.code == 2
    assert "has neither the examples nor 2 labels of digits" in said.error


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["backbone=svm"], "is fitted on hand-made features and has no layers"),
        (["tracking.log_model=false"], "has kept no weights"),
    ],
)
def test_what_cannot_be_looked_into_is_refused_in_a_line(inside, tmp_path, changes, told):
    # The shallow one has no training to cut short, and few strengths to try.
    options = ["backbone.C=1.0"] if changes == ["backbone=svm"] else RUN
    assert inside(*changes, *options, "tracking=none").code == 0
    (name,) = _names(tmp_path)
    (tmp_path / "results" / "runs" / name / "best.safetensors").unlink(missing_ok=True)
    inside("insight", name).refused(name, told)


def test_wrong_options_are_refused_before_anything_is_read(inside, tmp_path):
    assert inside(*RUN, "tracking=none").code == 0
    (name,) = _names(tmp_path)
    inside("insight", name, "--only", "probe").refused("no such section", "did you mean")
    inside("insight", name, "--examples", "3").refused("--examples 3: must be 32 or more")
    inside("insight", name, "--send").refused("nothing was found of it yet")
    inside("insight", "nobody").refused("nobody: no such run")
