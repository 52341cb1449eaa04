"""No example is in two splits: a model that has seen the test is not tested by it."""

from suite.checking.check import Broken, Check
from suite.checking.subject import Subject
from suite.task import Split

_LOOKS_ALIKE = 0.001
"""Share of a split that may equal examples of another: texts of unknown characters alone, say."""


def _look(subject: Subject) -> str:
    card = subject.whole.card()
    earlier: dict[bytes, Split] = {}
    looked, shared = [], []
    for split in (split for split in Split if split in subject.contents):
        content = subject.contents[split]
        found = [earlier.get(one) for one in content.hashes]
        leaked = sum(one is not None for one in found)
        known = card.shared_test if split is Split.TEST else 0
        if leaked > known + _LOOKS_ALIKE * len(found):
            where = ", ".join(
                f"{found.count(one)} in {one.value}" for one in Split if found.count(one)
            )
            published = f", {known} of which the card knows" if known else ""
            raise Broken(
                f"splits: {leaked} examples of {split.value} are in an earlier split too "
                f"({where}{published})",
                at="eval_batches",
                mend="split by the hash of the content (suite.split_of, suite.hold_out); where the "
                "set is published so, count them in the card's shared_test",
            )
        looked.append(f"{content.told()} {split.value}")
        if leaked:
            shared.append(f"{leaked} of {split.value}")
        for one in content.hashes:
            earlier.setdefault(one, split)
    told = f"{', '.join(shared)}, as is known or few" if shared else "none"
    return f"{', '.join(looked)}; in an earlier split too: {told}"


SPLITS = Check(
    name="splits",
    looks_for="no example, by the hash of its content, is in two splits",
    look=_look,
    needs=("opens", "card", "counts"),
    of_networks=False,
)
