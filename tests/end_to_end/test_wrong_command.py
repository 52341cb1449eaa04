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


def _installed(site, name, source):
    """Lay a plugin of one module into a folder, as pip would."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    entry = f"[triathlon.plugins]\n{name} = {name}_plugin:plugin\n"
    (info / "entry_points.txt").write_text(entry)
    (site / f"{name}_plugin.py").write_text(source)


def test_broken_plugin_is_named_and_breaks_nothing(light, tmp_path):
    _installed(tmp_path / "site", "broken", "raise ImportError('libmissing.so.1')\n")
    path = {"PYTHONPATH": str(tmp_path / "site")}
    listed = light("list", **path)
    assert listed.code == 0
    assert "image_recognition" in listed.out
    told = "plugin broken (broken 1.0) does not load: ImportError: libmissing.so.1"
    assert told in listed.out
    assert light("--cfg", "job", **path).code == 0
    light("task=parity", **path).refused("task=parity", "broken", "libmissing.so.1")


def test_plugins_that_clash_are_both_named_until_one_is_left_out(light, tmp_path):
    chess = (
        "from dataclasses import dataclass\nfrom suite import Plugin, TaskConfig\n\n"
        "@dataclass\nclass Config(TaskConfig):\n    pass\n\n"
        "plugin = Plugin(package='{0}_plugin', schemas={{'task/chess': Config}})\n"
    )
    for name in ("black", "white"):
        _installed(tmp_path / "site", name, chess.format(name))
    path = {"PYTHONPATH": str(tmp_path / "site")}
    both = ("black (black 1.0)", "white (white 1.0)", "both have schema task/chess")
    light("--cfg", "job", **path).refused(*both)
    listed = light("list", "task", **path)
    assert listed.code == 0
    for part in both:
        assert part in listed.out
    assert light("--cfg", "job", TRIATHLON_DISABLED_PLUGINS="white", **path).code == 0
    wrong = light("--cfg", "job", TRIATHLON_DISABLED_PLUGINS="whit", **path)
    wrong.refused("TRIATHLON_DISABLED_PLUGINS=whit", "did you mean 'white'")


def test_configuration_that_is_not_yaml_is_named_with_its_line(light, tmp_path):
    file = tmp_path / "data" / "flowers.yaml"
    file.parent.mkdir()
    file.write_text("# My flowers\ndefaults: [/schema/data/imagefolder@_here_, _self_\npath: x\n")
    said = light("--config-dir", str(tmp_path), "data=flowers")
    said.refused(f"{file}, line 3, column 5: not YAML", "',' or ']'")
    file.write_bytes(b"# My flowers \xff\n")
    light("--config-dir", str(tmp_path), "data=flowers").refused(f"{file}: not UTF-8 (byte 13")


def test_a_sweep_over_nothing_is_no_success(triathlon, tmp_path):
    said = triathlon(tmp_path, "-m", "experiment=glob(demo/*)", "tracking=none")
    said.refused("experiment=glob(demo/*): matches nothing")
