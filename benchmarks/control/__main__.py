"""Measure control beside stable-baselines3: `python -m benchmarks.control --to results/control`.

`make benchmark-control` installs the peer in a folder of its own, and measures. One run at a time,
each in a process of its own.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.control.contenders import peer, races, suite

CONTENDERS = {"triathlon": suite, "stable-baselines3": peer}


def main() -> None:
    parser = argparse.ArgumentParser("benchmarks.control", description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("results/control"))
    parser.add_argument("--only", nargs="+", choices=races(), default=list(races()))
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cell", nargs=3, metavar=("RACE", "CONTENDER", "SEED"))
    chosen = parser.parse_args()
    if chosen.cell:
        race, contender, seed = chosen.cell
        torch.set_num_threads(1)
        course = CONTENDERS[contender](races()[race], int(seed))
        print(json.dumps(asdict(course)))
        return
    from benchmarks.control.page import read, write

    found = read(chosen.to)
    for race in chosen.only:
        for seed in range(chosen.seeds):
            for contender in chosen.contenders:
                cell = ["--cell", race, contender, str(seed)]
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.control", *cell],
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                if done.returncode:
                    sys.exit(done.stderr)
                course = json.loads(done.stdout.splitlines()[-1])
                found.setdefault(race, {}).setdefault(contender, {})[str(seed)] = course
                write(chosen.to, found)
                print(race, contender, seed, course["test"], round(course["seconds"]), flush=True)


if __name__ == "__main__":
    main()
