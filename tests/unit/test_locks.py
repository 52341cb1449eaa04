import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from suite import locks

ROOT = Path(__file__).parents[3]


def other(path: Path, then: str) -> subprocess.Popen[str]:
    """Another process that locks the file, says so, and does something."""
    code = f"""
        import os, sys, time
        from pathlib import Path
        from suite import locks
        assert locks.take(Path({str(path)!r}))
        {then}
        print("locked", flush=True)
        sys.stdin.read()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_another_process_excludes_this_one_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.lock"
    with other(path, "pass") as process:
        assert locks.held(path)
        assert not locks.take(path)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not locks.held(path)
        assert locks.take(path)
        locks.release(path)


def test_what_a_killed_process_has_forked_does_not_keep_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    fork = (
        "pid = os.fork()\nif pid == 0: time.sleep(60); os._exit(0)\nPath({!r}).write_text(str(pid))"
    )
    child = tmp_path / "child"
    then = fork.format(str(child)).replace("\n", "\n        ")
    with other(path, then) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not locks.held(path)
        os.kill(int(child.read_text()), signal.SIGKILL)


def test_looking_at_a_lock_of_ones_own_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert not locks.held(path)
    assert locks.take(path)
    assert locks.take(path)
    assert locks.held(path)
    again = "from pathlib import Path; from suite import locks; import sys; "
    again += f"sys.exit(locks.take(Path({str(path)!r})))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", again], env=environment).returncode == 0
    locks.release(path)
    assert not locks.held(path)
