"""A disk that fills up while a run is at work ends it in one line, and leaves what was whole."""

import shutil
import subprocess

import pytest

RUN = ["backbone=mlp", "backbone.width=64", "trainer=smoke", "trainer.steps=8",
       "hardware=cpu_single", "tracking=none"]  # fmt: skip
# A disk of this process alone, which is gone with it; what lies on it is copied before.
ON_A_DISK = """
mount -t tmpfs -o size=$1 tmpfs "$2" && shift && disk=$1 && shift
"$@" "results=$disk/results"; code=$?
cp -r "$disk/results" . ; exit $code
"""


@pytest.fixture
def on_a_disk(script, tmp_path):
    """Run the command with its results on a disk of a size."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here, with which to mount a small disk")
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    disk = tmp_path / "disk"
    disk.mkdir()
    probe = [*alone, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        pytest.skip("no user may mount a disk here")

    def run(size, *arguments):
        command = [*alone, "sh", "-c", ON_A_DISK, "sh", size, str(disk), str(script), *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)

    return run


# Where the room ends: at the record's file, at a checkpoint beside the best one.
@pytest.mark.parametrize("size", ["24k", "500k"])
def test_it_is_one_line_and_all_that_was_whole_stays(on_a_disk, tmp_path, size):
    from suite.tracking.journal import broken_lines, read_journal
    from suite.tracking.state import State
    from suite.tracking.sync import sync

    done = on_a_disk(size, *RUN)
    assert done.returncode == 2, done
    results = f"{tmp_path}/disk/results"
    (told,) = done.stderr.splitlines()
    assert told.startswith(f"triathlon: results={results}: the disk is full; free some"), done
    (folder,) = (tmp_path / "results" / "runs").iterdir()
    journal = folder / "journal.jsonl"
    assert journal.read_bytes().endswith(b"\n")
    assert broken_lines(journal) == 0
    last = [event for event, _ in read_journal(journal)][-1]
    assert (last["event"], last["record"]["status"]) == ("end", "failed")
    # Nothing half-written is left.
    left = {path.name for path in folder.iterdir()}
    assert not {name for name in left if name.startswith(".")}
    if size == "24k":
        return
    from safetensors.torch import load_file

    assert load_file(folder / "best.safetensors")
    # Where there is room again it can be sent.
    assert sync(tmp_path / "results").sent == [folder.name]
    assert State.read(folder).done
