"""The data opens, a model is built, and there is a first batch: all else rests on it."""

from suite.checking.check import Check
from suite.checking.subject import Subject


def _look(subject: Subject) -> str:
    card = subject.task.card()
    if subject.shallow:
        return card.name
    subject.first_batch()
    _ = subject.fresh
    weights = sum(p.numel() for p in subject.model.parameters())
    sizes = ", ".join(f"{size:,} {split}" for split, size in card.sizes.items())
    return f"{card.name}: {sizes}; a model of {weights:,} weights"


OPENS = Check(
    name="opens",
    looks_for="the data opens, a model is built, a batch comes",
    look=_look,
    needs=("construction",),
    of_networks=False,
)
