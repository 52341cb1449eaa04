"""What finding a plugin imports: `triathlon list` would wait for it, with every other command."""

import importlib.metadata
import json
import subprocess
import sys

from suite.checking.check import Broken, Check, DoesNotApply
from suite.checking.subject import Subject
from suite.plugins import GROUP, find

HEAVY = (
    "torch", "torchvision", "torchaudio", "transformers", "datasets", "mlflow", "sklearn",
    "pandas", "matplotlib", "torchmetrics", "gymnasium", "tensorflow", "jax",
)  # fmt: skip
"""Packages that take a second or more, or bring one that does."""
_PROGRAM = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


def _look(subject: Subject) -> str:
    package = subject.kind.__module__.partition(".")[0]
    names = [name for name, plugin in find().plugins.items() if plugin.package == package]
    entries = {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}
    found = [entries[name] for name in names if name in entries]
    if not found:
        raise DoesNotApply(f"{package} is no plugin that is installed")
    if not found[0].attr:
        return f"finding {package} imports nothing of it"
    heavy = imported(found[0].module)
    if heavy:
        raise Broken(
            f"finding the plugin imports {', '.join(heavy)}: every command waits for it",
            mend=f"import it in the task's module, not in {found[0].module} or what that imports",
        )
    return f"importing {found[0].module} brings no heavy package"


def imported(module: str) -> list[str]:
    """Return which heavy packages a module brings, imported in a process of its own."""
    command = [sys.executable, "-c", _PROGRAM, module, *HEAVY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise Broken(
            f"{module} cannot be imported by itself: {lines[-1]}", mend=f"mend {module}'s imports"
        )
    heavy: list[str] = json.loads(done.stdout.splitlines()[-1])
    return heavy


IMPORTS = Check(
    name="imports",
    looks_for="finding the plugin imports nothing heavy",
    look=_look,
    trains=True,
    of_networks=False,
)
