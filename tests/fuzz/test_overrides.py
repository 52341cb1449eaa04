"""Overrides of all kinds, right and wrong: what is accepted is right, what is refused says why.

`TRIATHLON_FUZZ=2000` tries as many; alone it is 60, a tenth of a second each.
"""

import json
import math
import os
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.cli import complaint
from suite.compose import compose, recompose
from suite.config import RunConfig
from suite.errors import TriathlonError
from suite.hydra_errors import explain

EXAMPLES = int(os.environ.get("TRIATHLON_FUZZ", "60"))
SECRET = "fuzz-secret-5f1e"

GROUPS = {
    "task": ["image_recognition", "text_classification", "speech_recognition"],
    "data": ["digits", "language_names", "spoken_words", "imagefolder", "mnist", "cifar10"],
    "backbone": ["mlp", "lstm", "resnet", "transformer", "svm", "torchvision", "transformers"],
    "loss": ["cross_entropy", "mse", "ctc"],
    "optimizer": ["adamw", "sgd", "muon", "adam"],
    "schedule": ["cosine", "constant", "one_cycle", "trapezoid"],
    "trainer": ["default", "smoke"],
    "precision": ["fp32", "bf16"],
    "hardware": ["auto", "cpu_single"],
    "tracking": ["none", "mlflow"],
    "experiment": ["digits", "demo/digits", "fast/mnist"],
}
KEYS = [
    "seed", "name", "results", "cache", "optimizer.lr", "optimizer.weight_decay",
    "optimizer.betas", "optimizer.momentum", "backbone.width", "backbone.depth",
    "backbone.dropout", "backbone.options", "trainer.epochs", "trainer.steps",
    "trainer.max_seconds", "trainer.batch_size", "trainer.eval_batch_size", "trainer.accumulate",
    "trainer.clip_norm", "trainer.ema_decay", "trainer.evaluate_every", "trainer.log_every",
    "trainer.profile", "trainer.data_stall", "trainer.convergence.patience",
    "trainer.convergence.minimum_gain", "precision.number", "precision.tf32", "hardware.device",
    "hardware.threads", "hardware.workers", "hardware.compile", "hardware.watts",
    "schedule.warmup", "loss.label_smoothing", "data.validation", "data.path", "data.references",
    "data.target", "data.on_error", "tracking.uri", "tracking.enabled", "tracking.experiment",
    "tracking.register", "sweep.name", "sweep.on_change", "task.augment", "choices.task",
    "task._target_", "backbone._target_",
]  # fmt: skip
STRANGE_KEYS = ["", ".", "a..b", "seed.x", "trainer", "no.such.key", "трейнер", "optimizer.lr.",
                "hydra.launcher", "hydra.job.name", "choices", "__class__", "seed[0]"]  # fmt: skip
SCALARS = [
    "0", "1", "-1", "3", "0.5", "-0.0", "1e-3", "1e400", "-1e400", "nan", "NaN", "inf", "-inf",
    "99999999999999999999999999", "9223372036854775807", "18446744073709551616", "0x10", "1_000",
    "true", "false", "null", "None", "", "???", "'1'", '"nan"', "'a b'", "a,b", "0,1", "'0,1'",
    "bf16", "cpu", "auto", "skip", "differential", "мир", "🏃", "\u202e", "a\u0000b", "\ud800",
    "${seed}", "${oc.env:HOME}", "${oc.env:FUZZ_TOKEN}", "${oc.env:NONE_SUCH}",
    "${oc.env:NONE_SUCH,5}", "${no.such}", "${oc.decode:'[1,2]'}", "${oc.create:{a:1}}",
    "${now:%Y}", "${hydra:runtime.cwd}", "${", "}", "$", "\\${seed}", "${name}", "${.width}",
    "'", '"', "[", "]", "{", "}", "(", "\\", "\n", "a\tb", "=", "a=b", "#x", "x" * 3000,
    "http://me:pw@host", "../../x", "/etc/passwd", "os.system", "suite.run.sys.exit",
    "choice(1,2)", "range(0,3)", "interval(0,1)", "glob(*)", "sort(3,1)", "int('1')", "float(1)",
    "str(1)", "json_str('x')", "shuffle(1,2)", "extend_list(1)",
]  # fmt: skip
NESTED = st.recursive(
    st.sampled_from([one for one in SCALARS if one.isalnum() or one in ("-1", "0.5", "1e-3")])
    | st.integers().map(str)
    | st.floats().map(repr),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda v: f"[{','.join(v)}]")
        | st.dictionaries(st.sampled_from(["a", "b", "_target_", "lr"]), inner, max_size=2).map(
            lambda v: "{" + ",".join(f"{k}:{x}" for k, x in v.items()) + "}"
        )
    ),
    max_leaves=6,
)
VALUES = (
    st.sampled_from(SCALARS)
    | NESTED
    | st.integers(min_value=-(2**70), max_value=2**70).map(str)
    | st.floats().map(repr)
    | st.text(max_size=12)
)


@st.composite
def override(draw: st.DrawFn) -> str:
    """Return an override, of a group, of a key, or of neither."""
    if draw(st.integers(0, 3)) == 0:
        group = draw(st.sampled_from(sorted(GROUPS)))
        wrong = st.sampled_from(["null", "nothing", "", "../conf", "a,b", "мир"])
        value = draw(st.sampled_from(GROUPS[group]) | st.sampled_from(GROUPS[group]) | wrong)
        return f"{draw(st.sampled_from(['', '', '', '+', '~']))}{group}={value}"
    key = draw(st.sampled_from(KEYS) | st.sampled_from(KEYS) | st.sampled_from(STRANGE_KEYS))
    mark = draw(st.sampled_from(["", "", "", "", "+", "++", "~"]))
    if mark == "~" and draw(st.booleans()):
        return f"~{key}"
    return f"{mark}{key}={draw(VALUES)}"


def leaves(plain: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(plain, dict):
        for key, value in plain.items():
            yield from leaves(value, f"{place}.{key}")
    elif isinstance(plain, list):
        for value in plain:
            yield from leaves(value, place)
    else:
        yield place, plain


def check_accepted(run: RunConfig) -> None:
    """Hold a run that was accepted to what every run must be."""
    plain = run.plain()
    for key, value in leaves(plain):
        if isinstance(value, float):
            assert math.isfinite(value), key
        if isinstance(value, int):
            assert abs(value) < 2**63, key
        if isinstance(value, str):
            value.encode()
            assert "\0" not in value, key
            assert value != "???", key
            assert SECRET not in value, key
        if key.endswith("._target_"):
            assert value.split(".")[0] in ("suite", "tasks"), key
    assert run.seed >= 0
    trainer = run.trainer
    for positive in (trainer.batch_size, trainer.eval_batch_size, trainer.accumulate,
                     trainer.epochs, trainer.steps, trainer.log_every):  # fmt: skip
        assert positive is None or positive > 0
    if run.optimizer is not None:
        assert run.optimizer.lr > 0
    again = recompose(json.loads(json.dumps(plain)))
    assert again.hash() == run.hash()
    assert again.hash(seed=False) == run.hash(seed=False)


def names_a_key(said: str, overrides: list[str]) -> bool:
    """Return whether a refusal names a key, the group or the text of one of the overrides."""
    for one in overrides:
        key = one.lstrip("+~").partition("=")[0]
        # As it is shown; what has no key is named by its text.
        words = {complaint(word) for word in (one, key, *key.split(".")) if word}
        if any(word in said for word in words) or key in ("", "."):
            return True
    return False


def try_out(overrides: list[str]) -> str:
    """Compose, and hold what comes of it to the rules; return "" or why it was refused."""
    try:
        run = compose(overrides)
    except TriathlonError as error:
        said = str(error)
    except Exception as error:
        told = explain(error, overrides)
        if told is None:
            raise
        said = told
    else:
        check_accepted(run)
        return ""
    said = complaint(said)
    assert said.strip()
    assert len(said.splitlines()) == 1, said
    assert not {unicodedata.category(letter) for letter in said} & {"Cc", "Cs", "Zl", "Zp"}
    assert SECRET not in said
    assert names_a_key(said, overrides), said
    return said


@pytest.fixture(scope="module", autouse=True)
def secret_in_the_environment() -> Iterator[None]:
    os.environ["FUZZ_TOKEN"] = SECRET
    yield
    del os.environ["FUZZ_TOKEN"]


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(st.lists(override(), min_size=1, max_size=3))
def test_overrides_are_accepted_as_they_should_be_or_refused_in_a_line(
    overrides: list[str],
) -> None:
    try_out(overrides)


FOUND = {
    "a backspace in a value": (["hardware.threads=g\x0e\x85"], "hardware.threads="),
    "a value of 3,000 letters": (["++trainer.batch_size=" + "x" * 3000], "trainer.batch_size="),
    "a number for settings of Hydra": (["++hydra.launcher=0"], "hydra.launcher=0: must be"),
    "the same for callbacks": (["++hydra.callbacks=0"], "hydra.callbacks=0: Cannot"),
    "deleting a group by number": (["~trainer=0"], "~trainer=0: a group cannot be"),
    "what Hydra asserts": (["+choices=0", "choices=" + "x" * 3000], "choices"),
    "not a number": (["optimizer.lr=nan"], "optimizer.lr=nan: must be"),
    "infinity": (["trainer.max_seconds=inf"], "trainer.max_seconds=inf: must be a finite number"),
    "a seed that no generator takes": (["seed=9999999999999999999999"], "seed=9999"),
    "a seed that is none": (["seed=1e400"], "seed=1e400"),
    "no batch": (["trainer.batch_size=-1"], "trainer.batch_size=-1: must be above 0"),
    "an empty target": (["++backbone._target_="], "backbone._target_="),
    "a secret of the environment": (["name=${oc.env:FUZZ_TOKEN}"], "looks like a secret"),
    "a reference as text": (["name='\\${seed}'"], "name="),
    "a surrogate": (["name=\ud800"], "name="),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_was_found_stays_mended(case: str) -> None:
    overrides, part = FOUND[case]
    assert part in complaint(try_out(overrides))
