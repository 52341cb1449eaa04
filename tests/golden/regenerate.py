"""Write the golden losses anew: `python tests/golden/regenerate.py`.

Do so when a change is meant to change numbers (a recipe, an initialisation, an order), and say why
in the commit. A refactor is right when it leaves them alone.

The losses are those of the first training steps on each embedded data set, small where its size can
be chosen, in fp32 on one thread.
"""

import hashlib
import json
from itertools import islice
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("golden_losses.json")
STEPS = 20
RUNS = {
    "digits": ["task=image_recognition", "backbone=resnet", "backbone.width=8"],
    "language_names": ["task=text_classification", "backbone=lstm", "backbone.width=32"],
    "spoken_words": [
        "task=speech_recognition",
        "backbone=transformer",
        "backbone.width=32",
        "data.voices=12",
        "data.per_word=1",
    ],
    "spoken_digits_ctc": [
        "task=speech_transcription",
        "backbone=resnet",
        "backbone.width=8",
        "optimizer=muon",
        "data.voices=12",
        "data.per_voice=6",
    ],
}
COMMON = ["trainer.batch_size=16", "precision=fp32", "seed=0"]


def machine() -> dict[str, str]:
    """Return what the last bits of a loss depend on."""
    import torch

    from suite.hardware.machine import describe_machine

    described = describe_machine(torch.device("cpu"))
    return {
        "processor": described["processor"],
        "processor_details": _processor_details(),
        "vector_extensions": described["vector_extensions"],
        "torch": torch.__version__,
    }


def _processor_details() -> str:
    """Tell apart processors of one name: virtual machines hide theirs."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return ""
    first = path.read_text().partition("\n\n")[0].splitlines()
    kept = ("cpu family", "model", "stepping", "cache size", "flags")
    lines = [line for line in first if line.partition(":")[0].strip() in kept]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def losses(name: str) -> dict[str, Any]:
    """Train on one data set; return its fingerprint and the mean loss of each step."""
    import torch

    from suite.compose import compose
    from suite.data.counter import step_seed
    from suite.run import _build, build_model, build_task
    from suite.training.precision import clip_gradient

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    config = compose([*RUNS[name], *COMMON])
    task = build_task(config, torch.device("cpu"))
    model = build_model(config, task, torch.device("cpu")).train()
    optimizers = _build(config.optimizer, model)
    values = []
    for step, batch in enumerate(islice(task.train_batches(seed=config.seed), STEPS), 1):
        torch.manual_seed(step_seed(config.seed, step))
        loss = task.loss(model, batch)
        (loss.total / loss.count).backward()
        clip_gradient(model, config.trainer.clip_norm)
        for member in optimizers.members:
            member.step()
        optimizers.zero_grad()
        values.append(loss.total.item() / loss.count)
    return {"fingerprint": task.card().fingerprint, "losses": values}


def main() -> None:
    """Write `golden_losses.json`."""
    runs = {name: losses(name) for name in RUNS}
    text = json.dumps({"machine": machine(), "runs": runs}, indent=1)
    GOLDEN.write_text(text + "\n")
    print(f"wrote {GOLDEN}")


if __name__ == "__main__":
    main()
