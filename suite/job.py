"""One Hydra job: a composed configuration in, a trained and recorded run out."""

import sys
import traceback
from typing import Any

from suite.errors import TriathlonError

refused: list[TriathlonError] = []
"""Why the job of this process's command could not go on: Hydra puts a line of its own before an
error that it passes on, so the command line takes it from here."""


def job(composed: Any) -> str | None:
    """Run one job and return its run id.

    In a sweep its error goes on to the sweep's books, which let the other jobs go on.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from suite.compose import to_run

    hydra_config = HydraConfig.get()
    overrides = list(hydra_config.overrides.task)
    try:
        config = to_run(composed, hydra_config.runtime.choices)
        from suite.run import run

        return run(config, overrides).run_id
    except TriathlonError as error:
        if hydra_config.mode is RunMode.RUN:
            refused.append(error)
            return None
        print(f"triathlon: {' '.join(overrides)}: {error}", file=sys.stderr)
        raise
    except Exception:
        if hydra_config.mode is RunMode.MULTIRUN:
            traceback.print_exc()
        raise
