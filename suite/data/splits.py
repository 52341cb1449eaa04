"""Which example belongs to which split: a function of its key alone, so that nothing leaks."""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Sequence

from suite.errors import DataError
from suite.task import Split


def split_of(key: str, *, validation: float, test: float) -> Split:
    """Return the split of a key, by its hash: the same key is in one split, always and anywhere.

    validation, test: share of all keys, 0 to 1, that each of these takes; training has the rest.
    """
    share = _unit(key)
    if share < test:
        return Split.TEST
    return Split.VALIDATION if share < test + validation else Split.TRAIN


def hold_out(
    groups: Sequence[str], share: float, *, strata: Sequence[Hashable] | None = None
) -> tuple[list[int], list[int]]:
    """Divide items into (kept, held out); items of one group stay together.

    Groups are taken in order of their hash until `share` of the items is held out, in each stratum
    where strata (labels) are given. A group belongs to the stratum of its first item.
    """
    if not 0 < share < 1:
        raise DataError(f"share to hold out is {share}: must be between 0 and 1")
    members: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    by_stratum: dict[Hashable, list[str]] = defaultdict(list)
    for group, indices in members.items():
        by_stratum[strata[indices[0]] if strata is not None else None].append(group)
    held: set[int] = set()
    for names in by_stratum.values():
        wanted = share * sum(len(members[name]) for name in names)
        taken = 0
        for name in sorted(names, key=lambda name: (_unit(name), name)):
            if taken + len(members[name]) / 2 > wanted:
                break
            held.update(members[name])
            taken += len(members[name])
    return [i for i in range(len(groups)) if i not in held], sorted(held)


def _unit(key: str) -> float:
    # A key may be the name of a file, which need not be Unicode.
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8]) / 2.0**64
