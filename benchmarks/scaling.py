"""How much faster a run gets with more processes: `python -m benchmarks.scaling --to FOLDER`.

The same run, with the same global batch, on one process and on several of this machine (one thread
each, or one accelerator each), in turns. Efficiency is the ratio of their examples per second over
that of their number. Beside it, how long gradients take to exchange: the same sum without a model.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import torch
from torch import distributed

MODELS = {
    "image, convnet": ("task=image_recognition", "backbone=convnet", "trainer.batch_size=128"),
    "text, transformer": (
        "task=text_classification",
        "backbone=transformer",
        "trainer.batch_size=128",
    ),
    "speech, conformer": (
        "task=speech_recognition",
        "backbone=conformer",
        "trainer.batch_size=64",
    ),
    "image, tiny mlp": ("task=image_recognition", "backbone=mlp", "backbone.width=16"),
}
_SHARED = (
    "trainer.epochs=null", "trainer.log_every=20", "tracking=none", "tracking.log_model=false",
    "tracking.figures=false", "schedule=constant", "resume=false",
)  # fmt: skip


def rate(overrides: tuple[str, ...], processes: int, steps: int) -> dict[str, float]:
    """Return throughput of a run in its steady state."""
    with tempfile.TemporaryDirectory(prefix="scaling-") as folder:
        torchrun = [
            sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}",
            "--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0",
        ]  # fmt: skip
        command = [*torchrun, "-m", "suite", *overrides, *_SHARED, f"trainer.steps={steps}",
                   f"results={folder}"]  # fmt: skip
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        (path,) = Path(folder).glob("runs/*/record.json")
        record = json.loads(path.read_text())
        return {**record["throughput"], "parameters": record["model"]["parameters"]}


def exchange(rank: int, processes: int, port: int, numbers: int, to: str) -> None:
    """Time the sum of so many fp32 numbers over processes; process 0 writes milliseconds."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", rank=rank, world_size=processes)
    values = torch.randn(numbers)
    for _ in range(3):
        distributed.all_reduce(values)
    began = time.perf_counter()
    for _ in range(10):
        distributed.all_reduce(values)
    if rank == 0:
        Path(to).write_text(str((time.perf_counter() - began) / 10 * 1e3))
    distributed.destroy_process_group()


def exchange_ms(processes: int, numbers: int) -> float:
    """Return milliseconds that a gradient of so many numbers takes to be summed."""
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with tempfile.NamedTemporaryFile() as file:
        torch.multiprocessing.spawn(  # type: ignore[no-untyped-call]
            exchange, (processes, port, numbers, file.name), processes
        )
        return float(Path(file.name).read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    chosen = parser.parse_args()
    chosen.to.mkdir(parents=True, exist_ok=True)
    forms = {
        "one": (1, "ddp"),
        "ddp": (chosen.processes, "ddp"),
        "fsdp": (chosen.processes, "fsdp"),
    }
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    parameters: dict[str, float] = {}
    for number in range(chosen.rounds):
        for model, overrides in MODELS.items():
            for form, (processes, kind) in forms.items():
                got = rate((*overrides, f"hardware.parallel={kind}"), processes, chosen.steps)
                found[model][form].append(got["examples_per_second"])
                parameters[model] = got["parameters"]
                print(number, model, form, round(got["examples_per_second"]), flush=True)
    lines = [
        f"| model | parameters | one process, examples/s | {chosen.processes} x ddp | efficiency | "
        f"{chosen.processes} x fsdp | efficiency | gradients alone |",
        "|---|---|---|---|---|---|---|---|",
    ]
    plain = []
    for model, forms_found in found.items():
        one, ddp, fsdp = (median(forms_found[form]) for form in forms)
        shares = {
            form: sorted(
                other / alone / chosen.processes
                for alone, other in zip(forms_found["one"], forms_found[form], strict=True)
            )
            for form in ("ddp", "fsdp")
        }
        told = {form: f"{median(s):.2f} ({s[0]:.2f} to {s[-1]:.2f})" for form, s in shares.items()}
        alone = exchange_ms(chosen.processes, int(parameters[model]))
        lines.append(
            f"| {model} | {parameters[model]:,.0f} | {one:,.0f} | {ddp:,.0f} | {told['ddp']} | "
            f"{fsdp:,.0f} | {told['fsdp']} | {alone:.2f} ms |"
        )
        plain.append({"model": model, "rates": dict(forms_found), "exchange_ms": alone,
                      "parameters": parameters[model]})  # fmt: skip
    (chosen.to / "scaling.md").write_text("\n".join(lines) + "\n")
    (chosen.to / "scaling.json").write_text(json.dumps(plain, indent=1) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
