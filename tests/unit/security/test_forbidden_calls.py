"""Reads all of the suite's code: nothing in it unpickles, evaluates, or runs what others wrote."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = sorted(path for room in ("suite", "tasks") for path in (ROOT / room).rglob("*.py"))

FORBIDDEN = {
    "pickle.load", "pickle.loads", "pickle.Unpickler", "_pickle.loads", "cloudpickle.load",
    "cloudpickle.loads", "dill.load", "dill.loads", "joblib.load", "marshal.load",
    "marshal.loads", "shelve.open", "pandas.read_pickle", "pd.read_pickle", "torch.jit.load",
    "torch.hub.load", "torch.hub.load_state_dict_from_url", "torch.package.PackageImporter",
    "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "eval", "exec", "compile",
    "__import__", "os.system", "os.popen", "os.execv", "os.execvp", "pty.spawn",
    "tempfile.mktemp", "tarfile.open", "zipfile.ZipFile", "gzip.decompress", "zlib.decompress",
    "shutil.unpack_archive", "hydra.utils.instantiate", "hydra.utils.call", "get_object",
    "get_class", "get_method", "instantiate", "mlflow.pyfunc.load_model",
    "mlflow.pytorch.load_model", "mlflow.sklearn.load_model", "mlflow.artifacts.load_dict",
    "logging.config.dictConfig", "logging.config.fileConfig", "ctypes.PyDLL",
    "xml.etree.ElementTree.parse", "ssl._create_unverified_context", "runpy.run_path",
    "importlib.util.spec_from_file_location", "extractall",
}  # fmt: skip
"""By what is called, to the last one or two names. Each would run, or write, what a file says."""
ALLOWED = {
    # Its own subclass, which makes arrays and nothing else.
    ("tasks/image_recognition/data/plain_pickle.py", "pickle.Unpickler"),
    # The one place that unpacks, with its limits.
    ("suite/trust/archives.py", "tarfile.open"),
    ("suite/trust/archives.py", "zipfile.ZipFile"),
}
IMPORTING = {
    "suite/__init__.py", "suite/cli.py", "suite/tracking/model_folder.py",
    "suite/trust/targets.py", "suite/plugins.py", "suite/insight/sections.py",
}  # fmt: skip
"""Files that import by name: by names of our own, or checked ones."""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def named(call: ast.Call, name: str) -> ast.expr | None:
    return next((word.value for word in call.keywords if word.arg == name), None)


def is_constant(value: ast.expr | None, wanted: object) -> bool:
    return isinstance(value, ast.Constant) and value.value is wanted


def faults(name: str, source: str) -> list[str]:
    """Return what is wrong with a file."""
    found = []
    for called, call in calls(ast.parse(source)):
        last = called.rpartition(".")[2]
        at = f"{name}:{call.lineno}: {called}"
        known = {called, ".".join(called.split(".")[-2:]), *({last} if "." not in called else ())}
        if last == "extractall":
            known.add(last)
        if (known & FORBIDDEN) and not any((name, one) in ALLOWED for one in known):
            found.append(at)
        if called.endswith("torch.load") and not is_constant(named(call, "weights_only"), True):
            found.append(f"{at} without weights_only=True")
        if called in ("np.load", "numpy.load") and not is_constant(
            named(call, "allow_pickle") or ast.Constant(False), False
        ):
            found.append(f"{at} with allow_pickle")
        if last == "from_pretrained":
            spread = any(word.arg is None for word in call.keywords)
            if not spread and not is_constant(named(call, "trust_remote_code"), False):
                found.append(f"{at} without trust_remote_code=False")
        if last in ("run", "Popen", "call", "check_output") and "subprocess" in called:
            if named(call, "shell") is not None or isinstance(call.args[0], ast.JoinedStr):
                found.append(f"{at} through a shell")
        if last == "import_module" and name not in IMPORTING:
            found.append(at)
        for word in call.keywords:
            wrong = (word.arg == "trust_remote_code" and not is_constant(word.value, False)) or (
                word.arg == "verify" and is_constant(word.value, False)
            )
            if wrong:
                found.append(f"{at} with {word.arg}={ast.unparse(word.value)}")
    for node in ast.walk(ast.parse(source)):
        # `{"trust_remote_code": True}`, handed on as **options.
        for key, value in (
            zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ()
        ):
            if is_string(key, "trust_remote_code") and not is_constant(value, False):
                found.append(f"{name}:{node.lineno}: trust_remote_code")
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = getattr(node, "module", "") or ""
            names = {alias.name for alias in node.names}
            taken = {f"{module}.{one}" if module else one for one in names}
            if (taken & (FORBIDDEN - {"compile"})) | (taken & {"dill", "cloudpickle", "marshal"}):
                found.append(f"{name}:{node.lineno}: imports {sorted(taken)}")
    return found


def is_string(node: ast.expr | None, wanted: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == wanted


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_unpickles_or_runs_what_others_wrote(file: Path) -> None:
    name = file.relative_to(ROOT).as_posix()
    assert not faults(name, file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    ["pickle.loads(x)", "torch.load(f)", "torch.load(f, weights_only=False)", "yaml.load(f)",
     "np.load(f, allow_pickle=True)", "AutoModel.from_pretrained(f)", "eval(x)", "exec(x)",
     "AutoModel.from_pretrained(f, trust_remote_code=True)", "a.extractall(x)",
     "subprocess.run(x, shell=True)", "from pickle import loads", "import_module(x)",
     "x(**{'trust_remote_code': True})", "requests.get(x, verify=False)", "tarfile.open(x)",
     "mlflow.pyfunc.load_model(x)", "torch.hub.load(x)", "hydra.utils.instantiate(x)"],
)  # fmt: skip
def test_the_scan_finds_what_it_looks_for(source: str) -> None:
    assert faults("suite/x.py", source)


def test_the_scan_lets_what_is_fine_through() -> None:
    fine = (
        "model.eval(); torch.load(f, weights_only=True); np.load(f); yaml.safe_load(f); "
        "re.compile(x); AutoModel.from_pretrained(f, trust_remote_code=False); subprocess.run([x])"
    )
    assert not faults("suite/x.py", fine)
