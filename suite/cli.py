"""`triathlon`: the Hydra application, and the verbs beside it.

A first argument that is a verb (`triathlon list`) goes there; everything else is Hydra's. Only the
standard library, and Hydra where it is needed, is imported before a command is known to be right.
"""

import os
import sys
from collections.abc import Callable, Sequence

from suite.errors import TriathlonError
from suite.trust.secrets import redacted, withhold
from suite.trust.text import in_a_line

VERBS = {
    "list": "suite.verbs.listing:main",
    "references": "suite.verbs.references:main",
    "model": "suite.verbs.model:main",
    "check": "suite.verbs.check:main",
    "bench": "suite.verbs.bench:main",
    "report": "suite.verbs.report:main",
    "compare": "suite.verbs.compare:main",
    "scaling": "suite.verbs.scaling:main",
    "ui": "suite.verbs.ui:main",
    "resume": "suite.verbs.resume:main",
    "replay": "suite.verbs.replay:main",
    "insight": "suite.verbs.insight:main",
    "sync": "suite.verbs.sync:main",
    "sweep": "suite.verbs.sweep:main",
    "claims": "suite.verbs.claims:main",
    "new": "suite.verbs.new:main",
    "doctor": "suite.verbs.doctor:main",
}
"""What `triathlon <verb>` runs: takes the arguments behind the verb, returns an exit code."""

USAGE_ERROR = 2
"""Exit code of everything that its one line explains."""
_LONGEST_LINE = 2000
"""Characters of an error; a value may be of any length."""
_PIPE_CLOSED = 128 + 13
"""What a shell reports of a program that SIGPIPE ended."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    given: list[str] = []
    full_error = os.environ.get("HYDRA_FULL_ERROR") == "1"
    try:
        given = withhold(sys.argv[1:] if arguments is None else arguments)
        sys.exit(_dispatch(given))
    except TriathlonError as error:
        if full_error:
            raise
        _complain(str(error))
    except BrokenPipeError:
        # `triathlon list | head`: the reader has seen enough. Python would complain once more when
        # it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_PIPE_CLOSED)
    except Exception as error:
        from suite.hydra_errors import explain

        message = explain(error, given)
        if full_error or message is None:
            raise
        _complain(message)
    sys.exit(USAGE_ERROR)


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] in VERBS:
        return _verb(arguments[0])(arguments[1:])
    if {"--help", "-h"} & set(arguments):
        from suite.compose import help_page

        print(help_page(one for one in arguments if not one.startswith("-")))
        return 0
    return _hydra(arguments)


def _verb(name: str) -> Callable[[list[str]], int]:
    from importlib import import_module

    module, _, function = VERBS[name].partition(":")
    verb: Callable[[list[str]], int] = getattr(import_module(module), function)
    return verb


def _hydra(arguments: list[str]) -> int:
    import hydra

    from suite.config_folder import checked, folder_in
    from suite.job import job, refused
    from suite.plugins import register
    from suite.trust.hydra_nodes import check_options

    check_options(arguments)
    checked(folder_in(arguments))
    register()
    # Hydra prints several lines and exits with 1 where this is unset; here errors come back.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv = ["triathlon", *arguments]
    application = hydra.main(version_base="1.3", config_path="pkg://conf", config_name="config")
    application(job)()
    if refused:
        raise refused.pop()
    return _failed_jobs(arguments)


def _failed_jobs(arguments: list[str]) -> int:
    """Return 1 where a job of the sweep just run has failed."""
    if not {"-m", "--multirun"} & set(arguments):
        return 0
    from suite.tracking.sweep import failed_jobs

    return 1 if failed_jobs() else 0


def _complain(message: str) -> None:
    print(f"triathlon: {complaint(message)}", file=sys.stderr)


def complaint(message: str) -> str:
    """Return an error as it is shown: one line, without secrets and control characters."""
    line = in_a_line(redacted(message)).encode("utf-8", "backslashreplace").decode()
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"


if __name__ == "__main__":
    main()
