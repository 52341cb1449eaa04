"""What a new task may be like, and what its data says of itself."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """What its files say. target: validation accuracy that its recipe reaches in ten epochs."""

    line: str
    data_line: str
    licence: str
    source: str
    target: float
    losses: str = '"cross_entropy", "mse"'

    def words(self) -> Mapping[str, str]:
        """Return what a template has a place for."""
        return {name: str(value) for name, value in asdict(self).items()}


LIKE: Mapping[str, Likeness] = {
    "image": Likeness(
        line="Which of ten digits an image shows.",
        data_line="1,797 handwritten digits of 8 x 8, as scikit-learn carries them.",
        licence="CC BY 4.0",
        source="UCI Machine Learning Repository, doi:10.24432/C50P49",
        target=0.98,
    ),
    "text": Likeness(
        line="Which of six languages a name is written in.",
        data_line="Names of languages in six languages (Unicode CLDR), as Babel carries them.",
        licence="Unicode-3.0",
        source="Unicode CLDR through Babel",
        target=0.75,
    ),
    "speech": Likeness(
        line="Whether a tone falls, stays or rises.",
        data_line="1,500 noisy tones of up to half a second, synthetic.",
        licence="CC0-1.0",
        source="made by the task itself",
        target=0.95,
    ),
    "blank": Likeness(
        line="Whether a row of bits has more ones than zeros.",
        data_line="All rows of eleven bits, synthetic.",
        licence="CC0-1.0",
        source="made by the task itself",
        target=0.95,
    ),
}
"""By the name that `--like` takes."""
