"""MLflow's own pages over a real sweep, as `triathlon ui` opens them."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

SWEEP = ["-m", "task=image_recognition", "backbone=mlp,convnet", "optimizer=adamw,sgd", "seed=0,1,2",
         "trainer.epochs=4", "trainer.batch_size=32", "hardware=cpu_single",
         "tracking.experiment=sweeps"]  # fmt: skip
TEXT = "return document.body.innerText"


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that `triathlon ui` prints, over two backbones, two optimizers, three seeds."""
    folder = tmp_path_factory.mktemp("tracked")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "suite.cli"]
    swept = subprocess.run(
        [*command, *SWEEP], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert swept.returncode == 0, swept.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [*command, "ui", "--port", str(port)],
        cwd=folder, env=environment, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        said = server.stdout.readline()
        assert "MLflow dashboard: " in said, said
        yield said.split("MLflow dashboard: ")[1].split(" ")[0]
        server.terminate()


# MLflow's own: a question about users that only its login answers, and deprecations of its table.
_MLFLOWS = ("mlflow/users/current", "AG Grid: since", "ResizeObserver loop")


def _stayed_here(browser) -> None:
    """Nothing in the console but what MLflow itself notes, and no request outside the machine."""
    ours = [one for one in browser.complaints() if not any(known in one for known in _MLFLOWS)]
    assert ours == []
    assert {urlsplit(url).hostname for url in browser.requests()} == {"127.0.0.1"}


def _press(browser, selector: str) -> None:
    """Press the first of these buttons when it is there."""
    browser.wait("return document.querySelector(arguments[0])", selector, seconds=60)
    browser.run("document.querySelector(arguments[0]).click()", selector)


def _tidy(browser) -> None:
    """Close the assistant, which MLflow opens for who comes first, and the note on saved views."""
    _press(browser, '[data-component-id="mlflow.assistant.chat_panel.close"]')
    _press(browser, '[data-component-id="mlflow.experiment_page.shared_view.dismiss"]')


def test_the_table_says_what_differs(open_browser, dashboard, pictures):
    browser = open_browser(dashboard, 1600, 700)
    _tidy(browser)
    _press(browser, 'button[data-component-id*="runnamecellrenderer"]')  # shows the sweep's runs
    browser.wait(f"{TEXT}.includes('convnet · sgd · seed 2')", seconds=60)
    shown = browser.run(TEXT)
    assert "is best on image_recognition" in shown  # the rest is cut
    for column in ("Description", "backbone", "optimizer", "seed", "test/accuracy"):
        assert column in shown, column
    browser.picture(pictures / "dashboard.png")
    _stayed_here(browser)


def test_repeats_together_draws_charts(open_browser, dashboard):
    address = dashboard.replace("triathlon-sweeps", "triathlon-groups") + "&compareRunsMode=CHART"
    browser = open_browser(address, 1600, 1200)
    _tidy(browser)
    drawn = "return document.querySelectorAll('.js-plotly-plot .plot .point, .js-plotly-plot .lines path').length"
    browser.wait(f"{drawn.replace('return', 'return (')}) > 8", seconds=60)
    shown = browser.run(TEXT)
    for words in ("Results, means over seeds", "Learning curves", "test/accuracy", "train/loss"):
        assert words in shown, words
    _stayed_here(browser)


def test_a_sweep_has_its_answer_table_and_picture(open_browser, dashboard):
    browser = open_browser(dashboard, 1280, 1600)
    # Its runs are folded away, so the only link is the sweep's.
    link = "document.querySelector('[role=row] a[href*=\"/runs/\"]')"
    browser.wait(f"return {link}", seconds=60)
    parent = browser.run(f"return {link}.href")
    browser.driver.get(parent)
    picture = "document.querySelector('img[src*=\"get-artifact\"]')"
    browser.wait(f"return {picture} && {picture}.naturalWidth > 0", seconds=60)
    tables = browser.run(
        "return [...document.querySelectorAll('table')].map((table) => table.innerText)"
    )
    assert any("backbone + optimizer" in one and "convnet + adamw" in one for one in tables)
    _stayed_here(browser)
