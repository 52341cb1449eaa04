"""Writes suite/report/reference.yaml anew from the runs of the recipes on the embedded sets.

    triathlon -m experiment=digits,spoken_words,spoken_digits_ctc,language_names seed=0,1,2 \\
      hardware=cpu_single
    python -m benchmarks.reference results > suite/report/reference.yaml
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

from suite.record import RunRecord, read_records
from suite.report.groups import Group, groups_of
from suite.report.scores import MEASURES, time_to_target

RECIPES = {
    "digits": "resnet + adamw",
    "language_names": "mlp + adamw",
    "spoken_words": "lstm + adamw",
    "spoken_digits_ctc": "lstm + adamw",
}
FLOORS = {
    "digits": 1 / 10,
    "language_names": 1 / 40,
    "spoken_words": 1 / 20,
    "spoken_digits_ctc": 1.0,
}
"""A guess among so many classes, or no character at all."""
HEAD = """\
# What scores over the embedded sets are taken against: see suite/report/reference.py. A change here
# changes everybody's scores, so it needs a reason; that there are new runs is none.
#
# source: the recipes in conf/experiment/, seeds 0, 1 and 2
# command: triathlon -m experiment=digits,spoken_words,spoken_digits_ctc,language_names seed=0,1,2
#   hardware=cpu_single, then python -m benchmarks.reference results
# floor: a guess among so many classes, or no character at all
# quality: on the test split, mean of the seeds; to_target: in the order of the seeds
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    groups = groups_of(read_records(parser.parse_args().results))
    found = {
        group.data: group
        for group in groups
        if RECIPES.get(group.data) == f"{group.backbone} + {group.optimizer}"
        and f"experiment={group.data}" in group.runs[0].overrides
    }
    missing = RECIPES.keys() - found.keys()
    if missing:
        sys.exit(f"no runs of the recipes for {', '.join(sorted(missing))}")
    runs = [run for group in found.values() for run in group.runs]
    machines = {run.machine.get("fingerprint") for run in runs}
    if len(machines) != 1:
        sys.exit(f"runs of several machines: {machines}")
    commits = sorted({run.git.get("commit", "")[:12] for run in runs})
    whole = {
        "name": "embedded sets",
        "measured": f"{min(run.started for run in runs)[:10]}, commit {', '.join(commits)}",
        "hardware": hardware(runs[0]),
        "machine": machines.pop(),
        "sets": {data: entry(found[data]) for data in RECIPES},
    }
    print(HEAD + yaml.safe_dump(whole, sort_keys=False, width=100, default_flow_style=None), end="")


def entry(group: Group) -> dict[str, Any]:
    first = group.runs[0]
    times = {
        measure: [round(value, 3) for value in values if value is not None]
        for measure in MEASURES
        if None not in (values := [time_to_target(run, measure) for run in group.runs])
    }
    return {
        "recipe": f"experiment={group.data}, {RECIPES[group.data]}",
        "task": group.task,
        "fingerprint": group.fingerprint,
        "metric": first.primary,
        "direction": first.direction,
        "target": first.target["threshold"],
        "floor": FLOORS[group.data],
        "quality": round(fmean(group.by_seed(f"test/{first.primary}").values()), 5),
        "to_target": times,
    }


def hardware(run: RunRecord) -> str:
    machine = run.machine
    flags = ", ".join(machine.get("flags", []))
    return f"{machine.get('processor')} ({flags}), {machine.get('threads')} thread"


if __name__ == "__main__":
    main()
