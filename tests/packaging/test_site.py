"""The documentation: it builds strictly and without a network, and names what there is."""

import importlib.util
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import fields, is_dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

import suite
from suite.cli import VERBS
from suite.config import SCHEMAS
from suite.plugins import find

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("griffe") is None,
    reason="the dependency group docs is not installed",
)

OFFLINE = """
import socket, sys

def refuse(*_):
    raise AssertionError("the site asked for a network")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli(["build", "--strict", "--site-dir", sys.argv[1]])
"""


class Tags(HTMLParser):
    """What a page refers to, as (tag, address), and the names of its places."""

    def __init__(self):
        super().__init__()
        self.addresses, self.places = [], set()

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.places.add(told.get("id"))
        self.addresses += [(tag, told[key]) for key in ("href", "src") if told.get(key)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    read = {}
    for file in site.rglob("*.html"):
        read[file] = Tags()
        read[file].feed(file.read_text(encoding="utf-8"))
    return read


def module_of(name):
    """Return a module of docs/mkdocs/, which is on no path."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "mkdocs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_lead_to_pages_and_places(site, pages):
    for file, page in pages.items():
        for _, address in page.addresses:
            if re.match(r"\w+:", address) or file.name == "404.html":
                continue
            path, _, place = address.partition("#")
            to = (file.parent / path) if path else file
            assert to.exists(), f"{file.relative_to(site)}: {address}"
            if place and to.resolve() in pages:
                assert place in pages[to.resolve()].places, f"{file.relative_to(site)}: {address}"


def test_no_page_loads_anything_from_elsewhere(pages):
    loaded = {
        address
        for page in pages.values()
        for tag, address in page.addresses
        if tag != "a" and re.match(r"\w+:|//", address) and not address.startswith("data:")
    }
    assert not loaded


def test_every_public_name_is_in_the_reference_once(site, pages):
    pattern = re.compile(r"^::: suite\.(\w+)$", re.MULTILINE)
    told = [name for page in DOCS.glob("api/*.md") for name in pattern.findall(page.read_text())]
    assert Counter(told) == Counter(suite.__all__)
    places = {place for file, page in pages.items() if "api" in file.parts for place in page.places}
    assert {f"suite.{name}" for name in suite.__all__} <= places
    assert "suite.testing.check_task" in places


def test_the_reference_shows_types_and_explains_names(site):
    page = (site / "api" / "task.html").read_text(encoding="utf-8")
    assert "<code>batch_size</code>, <code>eval_batch_size</code>: examples." in page
    assert re.search(r"train_batches.*seed.*int.*skip.*int.*Iterator", page, re.DOTALL)


def test_every_verb_shows_its_help(site):
    page = (site / "command-line.html").read_text(encoding="utf-8")
    for verb in VERBS:
        assert f"usage: triathlon {verb}" in page


def test_every_kept_result_is_in_the_gallery(site):
    shown = module_of("pages").GALLERY
    ignored = re.findall(r"^/results/(\w+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE)
    kept = {path.name for path in (ROOT / "results").iterdir() if path.is_dir()} - set(ignored)
    assert {name for name in kept if not name.startswith(".")} == set(shown)
    gallery = (site / "gallery.html").read_text(encoding="utf-8")
    for name in shown:
        assert f"results/{name}/" in gallery
    assert "Content-Security-Policy" in (site / "results/examples/report.html").read_text()


def test_footguns_name_what_there_is():
    text = (DOCS / "footguns.md").read_text()
    for name in re.findall(r"`suite\.([A-Za-z]\w*)", text):
        assert name in (*suite.__all__, "testing"), name
    schemas = {**SCHEMAS, **{k: v for p in find().plugins.values() for k, v in p.schemas.items()}}
    run = SCHEMAS["run"]()
    keys = {group: vars(getattr(run, group)) for group in ("trainer", "hardware", "tracking")}
    for path, schema in schemas.items():
        if is_dataclass(schema):
            group = keys.setdefault(path.split("/")[0], {})
            group.update({field.name: field for field in fields(schema)})
    named = re.findall(r"`(trainer|data|hardware|task|optimizer|tracking)\.(\w+)", text)
    assert len(named) > 10
    for group, key in named:
        assert key in keys[group], f"{group}.{key}"
    for path in re.findall(r"`((?:tasks|suite)/[\w/]+\.py)`", text):
        assert (ROOT / path).is_file(), path


def test_docstring_lines_become_lists():
    with_lists = module_of("docstrings").with_lists
    text = (
        "Return it.\n\nseed: of the run, as\n    given. skip, size: batches. Raises: no name.\n\n"
        "Note: not a name."
    )
    assert with_lists(text, {"seed", "skip", "size"}) == (
        "Return it.\n\n- `seed`: of the run, as given.\n"
        "- `skip`, `size`: batches. Raises: no name.\n\nNote: not a name."
    )
    assert with_lists("A sentence with seed: inside.", {"seed"}) == "A sentence with seed: inside."
    assert with_lists(text, set()) == text
