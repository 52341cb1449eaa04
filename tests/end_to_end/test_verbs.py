"""The verbs beside training, as a user calls them."""

import re
import signal
import socket
import subprocess
import urllib.request
from types import SimpleNamespace

import pytest

from suite.plugins import Found
from suite.verbs import doctor
from suite.verbs.doctor import Health

RUN = ["backbone=mlp", "backbone.width=8", "trainer=smoke", "trainer.steps=2"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_model_shows_layers_parameters_and_flops(inside):
    said = inside("model", "task=image_recognition", "backbone=mlp", "backbone.width=16")
    assert said.code == 0
    for part in ("input", "hidden", "output", "Linear", "B×10", "total"):
        assert part in said.out


def test_model_explains_a_wrong_override(inside):
    inside("model", "backbone=resnt").refused("backbone=resnt", "'resnet'")


def test_report_needs_a_finished_run(inside):
    inside("report").refused("results: holds no finished run")


def test_report_writes_the_leaderboard(inside, tmp_path):
    assert inside(*RUN, "tracking=none").code == 0
    said = inside("report")
    assert said.code == 0
    assert "image_recognition / digits" in said.out
    for ending in ("md", "json", "csv", "png"):
        assert (tmp_path / "results" / f"leaderboard.{ending}").stat().st_size > 0


def test_sync_sends_what_an_outage_left(inside, tmp_path):
    from suite.tracking.store import connect, default_uri

    nobody = f"http://127.0.0.1:{free_port()}"
    said = inside(*RUN, f"tracking.uri={nobody}")
    assert said.code == 0, said
    assert "triathlon sync" in said.error
    results = tmp_path / "results"
    uri = default_uri(results)
    assert inside("sync", "--uri", uri).code == 0
    assert inside("sync", "--uri", uri).code == 0
    client = connect(results, uri)
    (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert run.info.status == "FINISHED"


def test_ui_answers_and_stops(script, tmp_path):
    port = free_port()
    command = [str(script), "ui", "--port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline()
            assert line.startswith(f"MLflow dashboard: http://127.0.0.1:{port}")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                assert answer.status == 200
        finally:
            # As Ctrl-C does; but a shell's background jobs, and so perhaps we, ignore that one.
            server.send_signal(signal.SIGTERM)
            code = server.wait(60)
    assert code == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_ui_says_that_the_port_is_taken(inside):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        inside("ui", "--port", str(port)).refused(f"port={port}: cannot be used", f"{port + 1}")


def test_doctor_finds_nothing_wrong_here(inside):
    said = inside("doctor")
    assert said.code == 0, said.out
    for name in ("packages", "plugins", "results", "cache", "threads", "GPU", "tracker"):
        assert re.search(rf"{name} +│ (ok|warn)", said.out), name


def test_doctor_fails_where_results_cannot_be_written(inside, tmp_path):
    (tmp_path / "taken").write_text("")
    said = inside("doctor", "taken")
    assert said.code == 1
    assert "results=" in said.out


def test_doctor_warns_of_a_server_that_is_away(inside):
    said = inside("doctor", "--uri", f"http://127.0.0.1:{free_port()}")
    assert said.code == 0
    assert re.search(r"tracker +│ warn", said.out)
    assert "triathlon sync" in said.out


def test_doctor_compares_versions(monkeypatch):
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ["numpy<1", "nosuch>=1", "rich"])
    found = {check.name: check for check in doctor.packages()}
    assert found["numpy"].health is Health.warn
    assert found["numpy"].mend == "pip install 'numpy<1'"
    assert found["nosuch"].health is Health.fail
    assert "rich" not in found


def test_doctor_names_broken_plugins(monkeypatch):
    found = Found(
        {"triathlon": None}, {"odd": "ImportError: x"}, seconds={"slow": 4.0, "fast": 0.1}
    )
    monkeypatch.setattr(doctor, "find", lambda: found)
    first, second, third = doctor.plugins()
    assert (first.name, first.health, first.found) == ("plugin odd", Health.warn, "ImportError: x")
    assert (second.name, second.health) == ("plugin slow", Health.warn)
    assert second.found == "takes 4.0 s to load"
    assert third.health is Health.ok


def test_doctor_names_plugins_that_clash(monkeypatch):
    clashing = ["plugins a and b both have task/chess.yaml: uninstall one"]
    monkeypatch.setattr(doctor, "find", lambda: Found({"a": None, "b": None}, {}, clashing))
    first, _ = doctor.plugins()
    assert first.health is Health.fail
    assert first.found == "plugins a and b both have task/chess.yaml"
    assert first.mend == "uninstall one"


@pytest.mark.parametrize(
    ("free", "health"), [(1e7, Health.fail), (1e9, Health.warn), (1e11, Health.ok)]
)
def test_doctor_weighs_the_disk(monkeypatch, tmp_path, free, health):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    assert doctor.disk("results", tmp_path / "new", "choose another").health is health


def test_doctor_counts_threads():
    assert doctor.threads(4, 2).health is Health.warn
    assert "hardware.threads=2" in doctor.threads(4, 2).mend
    assert doctor.threads(2, 2).health is Health.ok
