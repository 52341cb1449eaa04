"""What a wrong command line gets: one line, exit code 2, before torch is imported."""

import pytest

WRONG = {
    "unknown task": (["task=image_recogniton"], "task=image_recogniton", "'image_recognition'"),
    "unknown option": (["precision=fp8"], "precision=fp8", "bf16, fp16, fp32"),
    "misspelt key": (["optimizer.lrr=1"], "optimizer.lrr: no such key", "'optimizer.lr'"),
    "misspelt group": (["optimiser=adamw"], "optimiser: no such key", "'optimizer'"),
    "added key": (["+trainer.epoch=3"], "trainer.epoch: no such key", "'epochs'"),
    "negative learning rate": (["optimizer.lr=-1"], "optimizer.lr=-1.0: must be above 0"),
    "negative seed": (["seed=-1"], "seed=-1: must be 0 or above"),
    "wrong type": (["trainer.batch_size=many"], "trainer.batch_size=many", "Integer"),
    "wrong choice": (["data.on_error=ignore"], "data.on_error=ignore", "stop, skip"),
    "data of another task": (
        ["task=text_classification", "data=digits"],
        "data=digits: holds image",
        "takes text",
    ),
    "loss of another task": (["loss=ctc"], "loss=ctc: does not suit", "loss=cross_entropy|mse"),
    "no length": (["trainer.epochs=null"], "trainer.epochs=null trainer.steps=null", "give one"),
    "sample rate of zero": (
        ["task=speech_recognition", "task.sample_rate=0"],
        "task.sample_rate=0: must be above 0",
    ),
    "path not given": (["data=imagefolder"], "data.path: has no value; give data.path="),
    "no task": (["~task"], "task=null: choose one"),
    "sweep without -m": (["seed=0,1"], "seed=0,1", "--multirun"),
    "neither key nor verb": (["lits"], "lits: not an override and not a verb", "'list'"),
    "broken grammar": (["name=[a"], "name=[a: not an override", "write key=value"),
    "unknown launcher": (["hydra/launcher=slurm"], "no such hydra/launcher", "basic, joblib"),
    "misspelt key of hydra": (["hydra.run.dri=x"], "hydra.run.dri: no such key", "hydra.run.dir"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_command_is_one_line(light, case):
    overrides, *parts = WRONG[case]
    light(*overrides).refused(*parts)


def test_unknown_flag_is_named(light):
    said = light("--nonsense")
    assert said.code == 2
    assert "--nonsense" in said.error.splitlines()[-1]
    assert "Traceback" not in said.error


def test_full_error_brings_the_traceback_back(triathlon, tmp_path):
    said = triathlon(tmp_path, "optimizer.lr=-1", HYDRA_FULL_ERROR="1")
    assert said.code == 1
    assert "Traceback" in said.error


@pytest.mark.parametrize("mode", [(), ("-m",)], ids=["run", "sweep"])
def test_results_that_cannot_be_written(triathlon, tmp_path, mode):
    (tmp_path / "taken").write_text("a file\n")
    said = triathlon(tmp_path, *mode, "results=taken/here", "trainer=smoke", "backbone=mlp")
    said.refused("results=", "taken/here: cannot be written (Not a directory)", "results=…")


def test_broken_plugin_is_named_and_breaks_nothing(light, tmp_path):
    site = tmp_path / "site"
    info = site / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[triathlon.plugins]\nbroken = broken_plugin:plugin\n")
    (site / "broken_plugin.py").write_text("raise ImportError('libmissing.so.1')\n")
    path = {"PYTHONPATH": str(site)}
    listed = light("list", **path)
    assert listed.code == 0
    assert "image_recognition" in listed.out
    assert "plugin broken does not load: ImportError: libmissing.so.1" in listed.out
    assert light("--cfg", "job", **path).code == 0
    light("task=parity", **path).refused("task=parity", "broken", "libmissing.so.1")


def test_a_sweep_over_nothing_is_no_success(triathlon, tmp_path):
    said = triathlon(tmp_path, "-m", "experiment=glob(demo/*)", "tracking=none")
    said.refused("experiment=glob(demo/*): matches nothing")
