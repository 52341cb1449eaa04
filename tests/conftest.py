"""What all tests share: one thread, a folder for generated data, and small models."""

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No test asks a hub; set before its libraries are imported, which read it once.
os.environ["HF_HUB_OFFLINE"] = "1"

# The same examples every time, and no limit that a busy machine could miss.
settings.register_profile("triathlon", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("triathlon")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where generated data goes: $TRIATHLON_CACHE, else a folder of this session."""
    folder = os.environ.setdefault("TRIATHLON_CACHE", str(tmp_path_factory.mktemp("cache")))
    return Path(folder)


@pytest.fixture(autouse=True)
def torch_as_found() -> Iterator[None]:
    """Run on one thread, and undo what a test changes in torch's global state."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    deterministic = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(deterministic)


EMBEDDED = {
    "digits": ["task=image_recognition"],
    "language_names": ["task=text_classification", "task.embedding=16"],
    "spoken_words": ["task=speech_recognition", "data.voices=12", "data.per_word=1"],
    "spoken_digits_ctc": ["task=speech_transcription", "data.voices=12", "data.per_voice=6"],
}
"""Overrides for each embedded data set, small where its size can be chosen."""

ACTING = {
    "cartpole": ["task=control", "data.episodes=6", "task.environments=4", "task.epoch=64"],
}
"""Overrides for environments: their batches come of acting, so they have tests of their own."""

SMALL = {
    "mlp": ["backbone=mlp", "backbone.width=16", "backbone.depth=1"],
    "resnet": ["backbone=resnet", "backbone.width=8", "backbone.stages=2"],
    "convnet": ["backbone=convnet", "backbone.width=8", "backbone.wide=8", "backbone.stages=2"],
    "lstm": ["backbone=lstm", "backbone.width=16", "backbone.depth=1"],
    "transformer": [
        "backbone=transformer",
        "backbone.width=16",
        "backbone.depth=1",
        "backbone.heads=2",
    ],
    "conformer": [
        "backbone=conformer",
        "backbone.width=16",
        "backbone.depth=1",
        "backbone.heads=2",
        "backbone.kernel=3",
    ],
}
"""Overrides for a small model of each backbone."""


@pytest.fixture(scope="session")
def embedded() -> dict[str, list[str]]:
    return {name: [*overrides, "trainer.batch_size=16"] for name, overrides in EMBEDDED.items()}


@pytest.fixture(scope="session")
def acting() -> dict[str, list[str]]:
    return {name: [*overrides, "trainer.batch_size=16"] for name, overrides in ACTING.items()}


@pytest.fixture(scope="session")
def small() -> dict[str, list[str]]:
    return SMALL


@pytest.fixture(scope="session")
def open_task(embedded: dict[str, list[str]]) -> Callable[[str], object]:
    """Return the task of an embedded data set, opened once in a session."""
    import torch

    from suite.compose import compose
    from suite.run import build_task

    opened: dict[str, object] = {}

    def open_(name: str) -> object:
        if name not in opened:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                opened[name] = build_task(compose(embedded[name]), torch.device("cpu"))
        return opened[name]

    return open_


@pytest.fixture(autouse=True)
def errors_as_users_see_them() -> Iterator[None]:
    """Undo what a command in this process tells Hydra, which those in others would inherit."""
    before = os.environ.get("HYDRA_FULL_ERROR")
    yield
    if before is None:
        os.environ.pop("HYDRA_FULL_ERROR", None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test for every embedded data set or backbone that it names as its argument."""
    for argument, values in (("embedded_name", EMBEDDED), ("backbone_name", SMALL)):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, sorted(values))
