"""The card says what the data is: without it no result can be told from that on other data."""

from suite.checking.check import Broken, Check
from suite.checking.subject import Subject
from suite.task import Split


def _look(subject: Subject) -> str:
    card = subject.task.card()
    for name in ("name", "version", "licence", "source", "fingerprint"):
        if not getattr(card, name):
            raise Broken(f"card: has no {name}", at="card", mend=f"give the DataCard its {name}")
    if card.fingerprint != subject.fresh.card().fingerprint:
        raise Broken(
            "card: the fingerprint differs from one opening to the next",
            at="card",
            mend="hash content alone, in a fixed order (suite.fingerprint), no time and no place",
        )
    known = {split.value for split in Split}
    for name in (*card.sizes, *card.within_groups):
        if name not in known:
            raise Broken(
                f"card: {name} is no split", at="card", mend="use the values of suite.Split"
            )
    for split in (Split.VALIDATION, Split.TEST):
        if not card.sizes.get(split.value):
            raise Broken(
                f"card: has no examples of {split.value}",
                at="card",
                mend="hold some out of training (suite.hold_out, suite.split_of)",
            )
    return f"{card.name} {card.version}, {card.licence}, {card.fingerprint[:12]}"


CARD = Check(
    name="card",
    looks_for="name, version, licence, source and a fingerprint that stays",
    look=_look,
    needs=("opens",),
    of_networks=False,
)
