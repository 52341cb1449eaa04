"""Brings to the site what lies outside of docs/: README, results, and the command's own help.

A hook of MkDocs. Pages are written to be read in the repository, so links are those of its files;
here they become those of the site, and what the site does not have becomes plain text.
"""

import contextlib
import io
import os
import posixpath
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PAGES = (
    *("README.md", "CONTRIBUTING.md", "SECURITY.md", "results/README.md", "results/claims.md"),
    "examples/README.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("examples/*/README.md")),
)
GALLERY = ("backbones", "benchmarks", "claims", "control", "examples", "fsdd_speakers", "insight",
           "recipes", "scaling")  # fmt: skip
"""Folders of results/ that are kept under version control."""
SHOWN = (".md", ".png", ".wav", ".html")

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures from outside of docs/."""
    for path in (*(ROOT / page for page in PAGES), *_gallery()):
        uri = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, uri, abs_src_path=str(path)))
    files.append(File.generated(config, "command-line.md", content=command_line()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to files of the repository into links of the site."""
    own = page.file.src_uri

    def linked(match: re.Match[str]) -> str:
        image, text, target = match.groups()
        text = _LINK.sub(linked, text)  # a picture that is a link
        path, mark, anchor = target.partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return f"{image}[{text}]({target})"
        there = posixpath.normpath(posixpath.join(posixpath.dirname(repository_path(own)), path))
        uri = site_uri(there)
        # A link to nothing stays one: building tells of it.
        if files.get_file_from_path(uri) is None and (ROOT / there).exists():
            return text
        to = posixpath.relpath(uri, posixpath.dirname(own) or ".")
        return f"{image}[{text}]({to}{mark}{anchor})"

    parts = _FENCE.split(markdown)
    return "".join(part if part.startswith("```") else _LINK.sub(linked, part) for part in parts)


def repository_path(uri: str) -> str:
    """Return where in the repository a page of the site lies."""
    outside = uri in PAGES or uri.startswith("results/")
    return uri if outside else f"docs/{uri}"


def site_uri(path: str) -> str:
    """Return where on the site a file of the repository would be; a folder is its README."""
    if (ROOT / path).is_dir():
        path = f"{path}/README.md"
    return path.removeprefix("docs/")


def command_line() -> str:
    """Return a page with the help of every verb, as the command prints it."""
    from suite.cli import VERBS

    text = [
        "# Command line",
        "`triathlon` alone trains a run, and `-m` a sweep: every option is an override of the "
        "configuration (`triathlon --help` shows it whole, `triathlon list` what can be chosen). "
        "A first word that is a verb does something else:",
    ]
    for verb in VERBS:
        text += [f"## triathlon {verb}", f"```text\n{_help(VERBS[verb])}\n```"]
    return "\n\n".join(text) + "\n"


def _help(place: str) -> str:
    module, _, function = place.partition(":")
    verb = getattr(import_module(module), function)
    os.environ["COLUMNS"] = "100"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        verb(["--help"])
    return printed.getvalue().strip()


def _gallery() -> Iterator[Path]:
    for folder in GALLERY:
        for path in sorted((ROOT / "results" / folder).rglob("*")):
            # Not the runs that claims were tested by: those stay on the machine that made them.
            made_here = {"runs", "done"} & set(path.relative_to(ROOT).parts)
            if path.suffix in SHOWN and not made_here:
                yield path
