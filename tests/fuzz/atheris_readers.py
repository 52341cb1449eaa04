"""Drives the readers with Atheris, which spoils files by what of the code they reach.

    pip install atheris
    python tests/fuzz/atheris_readers.py -max_total_time=300     (options of libFuzzer)

It starts from the valid files of all formats, in a folder of its own, and stops at the first file
that is neither read nor told: libFuzzer then keeps it as `crash-…`. To see one again, give it.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
# The libraries are compiled, or are not ours; to follow them would cost more than it finds.
with atheris.instrument_imports(include=["tasks", "suite.data"]):
    import readers

from suite import OnError  # noqa: E402

NAMES = sorted(readers.FORMATS)


def one_input(data: bytes) -> None:
    """Read a set with one file spoiled. Two bytes choose format, file and options."""
    if len(data) < 2:
        return
    name, options, content = NAMES[data[0] % len(NAMES)], data[1], data[2:]
    form = readers.FORMATS[name]
    file = form.spoiled[(options >> 2) % len(form.spoiled)]
    on_error = OnError.skip if options & 1 else OnError.stop
    told = readers.try_reading(form, file, content, on_error=on_error, stream=bool(options & 2))
    if told is not None and options & 1 and name in readers.SELF_CONTAINED:
        raise AssertionError(f"{name}: not skipped: {told}")


def main() -> None:
    """Write the valid files as a corpus, and go on from them until libFuzzer has enough."""
    with tempfile.TemporaryDirectory() as corpus:
        for place, name in enumerate(NAMES):
            form = readers.FORMATS[name]
            for number, file in enumerate(form.spoiled):
                for options in range(4):
                    head = bytes([place, number << 2 | options])
                    Path(corpus, f"{name}-{number}-{options}").write_bytes(
                        head + form.files()[file]
                    )
        # The alarm is ours: a hang of one file is an error that names it.
        atheris.Setup([*sys.argv, "-handle_alrm=0", "-rss_limit_mb=0", corpus], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
