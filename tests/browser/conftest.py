"""Headless Chromium, as Debian has it; without it these tests are skipped. See `make test-browser`.

Chromium runs with its background services off, so that every request is one of the page's.
"""

import base64
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--disable-dev-shm-usage",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and skip it where there is no browser."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if missing:
                reason = f"{' and '.join(missing)} not found: run `make test-browser`"
                item.add_marker(pytest.mark.skip(reason=reason))


class Browser:
    """A window of Chromium. driver: selenium's."""

    def __init__(self, width: int, height: int, *, dark: bool, profile: Path) -> None:
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_script_timeout(60)
        self.width, self.height = width, height
        # A headless window has a least width of 500 pixels; what it pretends to be has not.
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page; return what it returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str, *arguments: Any, seconds: float = 20) -> Any:
        """Run JavaScript until it returns something true; return that."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, seconds).until(lambda _: self.run(script, *arguments))

    def complaints(self) -> list[str]:
        """Return what the console has warned of since this was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses asked for since this was asked last.

        Without those that hold their data themselves, and Chromium's own for an empty window.
        """
        messages = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        sent = [m for m in messages if m["method"] == "Network.requestWillBeSent"]
        urls = [message["params"]["request"]["url"] for message in sent]
        return [url for url in urls if not url.startswith(("data:", "chrome:"))]

    def picture(self, path: Path, height: int | None = None) -> None:
        """Write the page's first pixels as PNG."""
        clip = {"x": 0, "y": 0, "width": self.width, "height": height or self.height, "scale": 1}
        taken = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
        )
        path.write_bytes(base64.b64decode(taken["data"]))


Open = Callable[..., Browser]


@pytest.fixture
def open_browser(tmp_path: Path) -> Iterator[Open]:
    """Open a window: `open_browser(url, width=1280, height=900, dark=False)`."""
    with ExitStack() as opened:

        def open_(url: str, width: int = 1280, height: int = 900, *, dark: bool = False) -> Browser:
            profile = tmp_path / f"profile{len(list(tmp_path.glob('profile*')))}"
            browser = Browser(width, height, dark=dark, profile=profile)
            opened.callback(browser.driver.quit)
            browser.driver.get(url)
            return browser

        yield open_


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: $TRIATHLON_SCREENSHOTS, else a folder of this session."""
    chosen = os.environ.get("TRIATHLON_SCREENSHOTS")
    return Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
