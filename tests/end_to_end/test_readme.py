"""Every command of the README runs as it stands there, only shorter."""

import csv
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PIL import Image

from suite import cli
from suite.record import RunRecord, read_records

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
RUNS = [c[1:] for c in COMMANDS if c[0] == "triathlon" and not c[1].isalpha() and "--cfg" not in c]
VERBS = [c[1:] for c in COMMANDS if c[0] == "triathlon" and c[1].isalpha()]
SHORT = ["trainer=smoke", "trainer.steps=2", "tracking=none", "hardware=cpu_single"]
SHORTER = {
    # One seed of a sweep over everything shows as much as three.
    "task=glob(*)": ["seed=0"],
    # What takes long is to fit on all texts, and to evaluate a large encoder on all recordings.
    "backbone=svm": ["data.train_examples=2000"],
    "backbone=whisper": ["data.voices=12", "data.per_word=1"],
}
"""What makes a command shorter than SHORT does, by one of its words."""
BRIEF = ["--forms=eager", "--batch-sizes=1", "--threads=1", "--seconds=0.01", "tracking=none"]


def call(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    return int(stopped.value.code or 0)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's own data, small, in the folder where the commands are given."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for kind in ("cat", "dog"):
            for i in range(12):
                at = tmp_path / "photos" / split / kind / f"{i}.png"
                at.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 255, (40, 36, 3), dtype=np.uint8)).save(at)
        rows = [(f"what a {w} film number {i}", w) for i in range(12) for w in ("good", "bad")]
        write_csv(tmp_path / "reviews" / f"{split}.csv", ("text", "label"), rows)
        for name, column in (("commands", "label"), ("dictation", "transcription")):
            folder = tmp_path / name / split
            rows = [(f"{i}{w}.wav", w) for i in range(12) for w in ("on", "off")]
            write_csv(folder / "metadata.csv", ("file_name", column), rows)
            for file, _ in rows:
                soundfile.write(folder / file, rng.standard_normal(8000) * 0.1, 8000)
    standard_sets(tmp_path, rng)
    pretrained(tmp_path / "minilm")
    return tmp_path


def standard_sets(folder: Path, rng: np.random.Generator) -> None:
    """Small copies of sets in the form that their authors publish."""
    for part, images in (("train", 60), ("t10k", 20)):
        write_idx(
            folder / "fashion-mnist" / f"{part}-images-idx3-ubyte",
            rng.integers(0, 256, (images, 28, 28), dtype=np.uint8),
        )
        write_idx(
            folder / "fashion-mnist" / f"{part}-labels-idx1-ubyte",
            (np.arange(images) % 10).astype(np.uint8),
        )
    (folder / "trec").mkdir()
    for name, count in (("train_5500.label", 30), ("TREC_10.label", 6)):
        lines = [
            f"{kind}:other What is number {i} ?\n"
            for i in range(count)
            for kind in ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")
        ]
        (folder / "trec" / name).write_text("".join(lines), encoding="latin-1")
    recordings = folder / "fsdd" / "recordings"
    recordings.mkdir(parents=True)
    for speaker in ("george", "jackson", "lucas", "nicolas", "theo", "yweweler"):
        for digit in range(10):
            for index in range(7):
                wave = rng.standard_normal(2000) * 0.1
                soundfile.write(recordings / f"{digit}_{speaker}_{index}.wav", wave, 8000)


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    path.parent.mkdir(exist_ok=True)
    header = bytes([0, 0, 8, values.ndim])
    path.write_bytes(header + np.array(values.shape, ">u4").tobytes() + values.tobytes())


def pretrained(folder: Path) -> None:
    """A very small BERT with its tokenizer."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    words = {word: i for i, word in enumerate([*special, "what", "is", "number", "?"])}
    tokenizer = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
    ).save_pretrained(folder)  # fmt: skip
    BertModel(
        BertConfig(
            vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=64,
        )
    ).save_pretrained(folder)  # fmt: skip


def repeats(folder: Path) -> None:
    """Finished runs in results/, and others of the same configurations in baseline/."""
    for results in ("results", "baseline"):
        for backbone in ("mlp", "lstm"):
            for seed in range(3):
                name = f"{results}-{backbone}-{seed}"
                place = folder / results / "runs" / name
                place.mkdir(parents=True)
                RunRecord(
                    run_id=name, name=name, status="finished", data="digits", backbone=backbone,
                    seed=seed, group_hash=backbone, config_hash=f"{backbone}{seed}",
                    primary="accuracy", direction="maximize",
                    metrics={"test/accuracy": 0.9 + seed / 100},
                ).write(place)  # fmt: skip


def sizes(folder: Path) -> None:
    """Finished runs in results/ that differ in their training examples and seed."""
    for examples in (100, 300, 1_000, 3_000):
        for seed in range(2):
            name = f"{examples}-{seed}"
            place = folder / "results" / "runs" / name
            place.mkdir(parents=True)
            RunRecord(
                run_id=name, name=name, status="finished", data="digits", backbone="mlp",
                seed=seed, group_hash=f"{examples}", config_hash=name, primary="accuracy",
                direction="maximize", data_card={"sizes": {"train": examples}},
                metrics={"test/accuracy": 1 - (2 + 0.1 * seed) * examples**-0.5},
            ).write(place)  # fmt: skip


def write_csv(path: Path, header: tuple[str, ...], rows: list[tuple[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_the_readme_has_commands_of_each_kind() -> None:
    assert len(RUNS) >= 8
    assert len(VERBS) > 5


@pytest.mark.parametrize("command", RUNS, ids=" ".join)
def test_runs_and_sweeps(command: list[str], folders: Path) -> None:
    shorter = [option for word in command for option in SHORTER.get(word, ())]
    assert call([*command, *SHORT, *shorter]) == 0
    records = read_records(folders / "results")
    assert records
    assert all(record.status == "finished" for record in records)


@pytest.mark.parametrize("command", VERBS, ids=" ".join)
def test_verbs(command: list[str], folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if command[0] == "report":
        untracked = "--from-mlflow" not in command
        assert call([o for o in SHORT if untracked or o != "tracking=none"]) == 0
    if command[0] == "compare":
        repeats(folders)
    if command[0] == "scaling":
        sizes(folders)
    if command[0] == "sweep":
        assert call(["-m", "seed=0", *SHORT]) == 0
    if command == ["ui"]:
        command = ["ui", "--help"]  # a server runs until it is stopped: see test_ui
    if command[0] == "resume":  # what was stopped last is none: one that failed goes by its name
        command = ["resume", "--help"]
    if command[0] in ("replay", "insight"):
        assert call(SHORT) == 0
        (run,) = (folders / "results" / "runs").iterdir()
        command = [run.name if word == "RUN" else word for word in command]
    if command[0] == "insight":
        command = [*command, "--examples=64", "--controls=1"]
    if command == ["claims"]:  # all take twenty minutes: this one makes no runs
        command = ["claims", "--only", "backpropagation"]
    if command[0] == "check":  # without what takes the longest: see tests/contract
        command = [*command, "--skip", "imports,backbones,cost"]
    if command[0] == "bench":
        command = [*command, *BRIEF]
    assert call(command) == 0
    assert capsys.readouterr().out


def test_make_targets() -> None:
    for command in COMMANDS:
        if command[0] == "make":
            done = subprocess.run(
                ["make", "--dry-run", command[1]], cwd=ROOT, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
