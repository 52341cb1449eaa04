"""`triathlon claims` says no to what is nothing: nothing learned, labels shuffled, noise.

A set is a file of overrides, so a null is planted as its user would describe a set.
"""

import gzip
import json
import struct
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

SET = """
overrides: [task=image_recognition, data=idx, data.path={path}, backbone=mlp, backbone.width=32,
  backbone.depth=2, trainer.epochs=null, trainer.steps=100, trainer.evaluations=2,
  trainer.batch_size=32, task.shift=0, schedule=constant]
optimizer: adamw
rates: {{adamw: [{rate}]}}
sizes: {{key: data.train_examples, values: {sizes}}}
width: {{key: backbone.width, values: [4, 16]}}
depth: {{key: backbone.depth, values: [1, 2]}}
dimension: {{key: task.resolution, values: [4, 8]}}
compute: {{key: trainer.steps, values: [50, 100]}}
deep: [backbone.depth=3]
"""


def write_idx(folder, images, labels):
    """Write images (N, 8, 8) and labels as MNIST's files; the last 400 are the test split."""
    folder.mkdir()
    parts = {"train": slice(None, -400), "t10k": slice(-400, None)}
    for name, part in parts.items():
        for kind, magic, values in (
            ("images-idx3-ubyte", 0x803, images[part]),
            ("labels-idx1-ubyte", 0x801, labels[part]),
        ):
            head = struct.pack(f">{1 + values.ndim}I", magic, *values.shape)
            with gzip.open(folder / f"{name}-{kind}.gz", "wb") as file:
                file.write(head + values.astype(np.uint8).tobytes())


@pytest.fixture(scope="module")
def judged(tmp_path_factory, cache):
    """The verdicts on a set of real digits, and on three in which there is nothing to be found."""
    root = tmp_path_factory.mktemp("claims")
    digits = load_digits()
    images, labels, rng = digits.images * 15, digits.target, np.random.default_rng(0)
    write_idx(root / "real", images, labels)
    write_idx(root / "shuffled", images, rng.permutation(labels))
    write_idx(root / "noise", rng.integers(0, 256, images.shape), labels)
    for name, path, rate, sizes in (
        ("real", "real", 0.01, [40, 150, 900]), ("untrained", "real", 1e-12, [40, 900]),
        ("shuffled", "shuffled", 0.01, [40, 900]), ("noise", "noise", 0.01, [40, 900]),
    ):  # fmt: skip
        (root / f"{name}.yaml").write_text(SET.format(path=root / path, rate=rate, sizes=sizes))
    claims = "learned_features,hierarchy,converges,generalises,data"
    done = subprocess.run(
        [sys.executable, "-m", "suite", "claims", "--only", claims, "--results", str(root),
         "--jobs", "2", "--set",
         ",".join(str(root / f"{n}.yaml") for n in ("real", "untrained", "shuffled", "noise"))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    plain = json.loads((root / "claims.json").read_text())
    held = {
        (claim["name"], found["set"], found["part"]): found["holds"]
        for claim in plain["claims"]
        for found in claim["measured"]
    }
    return held, root, done.stdout


def holds(judged, claim, name):
    return [held for (c, s, _), held in judged[0].items() if (c, s) == (claim, name)]


@pytest.mark.parametrize("claim", ["converges", "generalises", "data"])
def test_what_is_there_is_found(judged, claim):
    assert all(holds(judged, claim, "real"))
    assert holds(judged, claim, "real")


@pytest.mark.parametrize(
    "claim", ["learned_features", "hierarchy", "converges", "generalises", "data"]
)
def test_an_untrained_network_supports_nothing(judged, claim):
    assert not any(holds(judged, claim, "untrained"))


@pytest.mark.parametrize("name", ["shuffled", "noise"])
@pytest.mark.parametrize("claim", ["learned_features", "hierarchy", "generalises", "data"])
def test_shuffled_labels_and_noise_support_nothing(judged, claim, name):
    assert not any(holds(judged, claim, name))


def test_page_says_what_holds_where(judged):
    _, root, told = judged
    text = (root / "claims.md").read_text()
    assert "## Performance scales with data: mixed" in text
    assert "| real |" in text
    assert "mixed" in told
    for claim in json.loads((root / "claims.json").read_text())["claims"]:
        assert claim["rule"] in text.replace("\\", "")
        assert all((root / figure).stat().st_size > 1000 for figure in claim["figures"])
