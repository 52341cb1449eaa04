"""No speaker, document or concept is in two splits, unless the card says that it is on purpose."""

from suite.checking.check import Broken, Check, DoesNotApply
from suite.checking.subject import Subject
from suite.task import Split, Task

_NAMED = 3


def _look(subject: Subject) -> str:
    task = subject.whole
    card = task.card()
    groups = {
        split: _groups(task, split, card.sizes[split.value])
        for split in Split
        if split.value in card.sizes
    }
    if not any(groups.values()):
        raise DoesNotApply("the task tells of no groups (Task.groups)")
    seen: dict[str, Split] = {}
    within = []
    for split, names in groups.items():
        shared = sorted(name for name in names if name in seen)
        if shared and split.value in card.within_groups:
            within.append(split.value)
        elif shared:
            some = ", ".join(shared[:_NAMED]) + (", …" if len(shared) > _NAMED else "")
            raise Broken(
                f"groups: {len(shared)} of {len(names)} groups of {split.value} are in "
                f"{seen[shared[0]].value} too ({some})",
                at="groups",
                mend="split by group (suite.hold_out), or name the split in the card's "
                "within_groups where that is on purpose",
            )
        for name in names:
            seen.setdefault(name, split)
    told = ", ".join(f"{len(names):,} of {split.value}" for split, names in groups.items())
    return f"{told}; none shared" if not within else f"{told}; {', '.join(within)} within groups"


def _groups(task: Task, split: Split, size: int) -> set[str]:
    """Return the groups of a split; an example without a known one has none."""
    names = list(task.groups(split, range(size)))
    if names and len(names) != size:
        raise Broken(
            f"groups: {len(names)} names for {size} examples of {split.value}",
            at="groups",
            mend="return a name for each index, or none at all",
        )
    again = list(task.groups(split, range(size)[::-1]))
    if again[::-1] != names:
        raise Broken(
            f"groups: other names for examples of {split.value} in another order",
            at="groups",
            mend="return the name of each index, in the order of the indices",
        )
    return {name for name in names if name}


GROUPS = Check(
    name="groups",
    looks_for="no speaker, document or other group is in two splits",
    look=_look,
    needs=("opens", "card"),
    of_networks=False,
)
