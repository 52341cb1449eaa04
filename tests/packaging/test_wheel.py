"""sdist -> wheel -> fresh environment: the command works there, and so does a stranger's plugin."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMOKE = ["backbone=mlp", "backbone.width=8", "trainer=smoke", "trainer.steps=2", "tracking=none"]


def call(*command, cwd):
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "TRIATHLON_SWEEP")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source, to):
    """Build an sdist, and from it a wheel, without an index."""
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", to, source, cwd=to)
    (wheel,) = to.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def environment(dist, tmp_path_factory):
    """A fresh environment that has the wheel, and our dependencies but not our checkout."""
    folder = tmp_path_factory.mktemp("environment")
    call(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    # A line in a .pth file adds a folder, but not what editable installs have in it.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install(folder, next(dist.glob("*.whl")))
    return folder


def install(environment, wheel):
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install"]
    call(*pip, "--quiet", "--no-deps", "--no-index", wheel, cwd=environment)


def triathlon(environment, *arguments, cwd):
    return call(environment / "bin" / "triathlon", *arguments, cwd=cwd)


def record(folder):
    (path,) = folder.glob("results/runs/*/record.json")
    return json.loads(path.read_text())


def test_sdist_holds_what_a_developer_needs(dist):
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    for name in ("Makefile", "README.md", "LICENSE", "CITATION.cff", "CONTRIBUTING.md"):
        assert name in names
    for name in ("conf/config.yaml", "tests/conftest.py", "requirements.lock"):
        assert name in names
    assert not [name for name in names if name.startswith(("results/", ".venv"))]


def test_wheel_holds_all_of_the_code_and_configuration(dist):
    (wheel,) = dist.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("suite", "tasks", "conf"):
        for path in (ROOT / package).rglob("*"):
            if path.suffix in (".py", ".yaml", ".csv", ".template") or path.name == "py.typed":
                assert path.relative_to(ROOT).as_posix() in names
    assert not [name for name in names if name.startswith("tests/")]


def test_command_comes_from_the_wheel(environment, tmp_path):
    code = "import suite, tasks, conf; print(suite.__file__, tasks.__file__, conf.__file__)"
    files = call(environment / "bin" / "python", "-c", code, cwd=tmp_path).split()
    assert all(Path(file).is_relative_to(environment) for file in files)


def test_list_and_configuration(environment, tmp_path):
    listed = triathlon(environment, "list", cwd=tmp_path)
    for name in ("image_recognition", "spoken_words", "transformer", "muon"):
        assert name in listed
    assert "batch_size: 64" in triathlon(environment, "--cfg", "job", cwd=tmp_path)


def test_run(environment, tmp_path):
    triathlon(environment, *SMOKE, cwd=tmp_path)
    assert record(tmp_path)["status"] == "finished"


def test_plugin_of_another_package_is_found_and_runs(environment, tmp_path):
    """The digits of `examples/`: two files, installed as a wheel of their own."""
    out = tmp_path / "out"
    out.mkdir()
    install(environment, build(ROOT / "examples" / "digits_plugin", out))
    assert "digits_plugin" in triathlon(environment, "list", "task", cwd=tmp_path)
    triathlon(environment, "task=digits_plugin", *SMOKE, cwd=tmp_path)
    assert record(tmp_path)["task"] == "digits_plugin"


def test_a_new_task_is_written_from_the_wheel(environment, tmp_path):
    triathlon(environment, "new", "task", "birds", "--like", "blank", "--package", cwd=tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    install(environment, build(tmp_path / "birds", out))
    triathlon(environment, "task=birds", *SMOKE, cwd=tmp_path)
    assert record(tmp_path)["task"] == "birds"
