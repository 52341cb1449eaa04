"""Makes the splits that a set of recordings does not have."""

from collections.abc import Mapping, Sequence

from suite import Split, hold_out
from tasks.speech_recognition.listing import Clip

Clips = Mapping[Split, Sequence[Clip]]


def complete(clips: Clips, *, validation: float, test: float) -> dict[Split, Sequence[Clip]]:
    """Hold out of the training recordings what the set has no split of.

    Where nobody of the test set is in training, nobody of the validation set is either;
    where the same people are in both, validation has them too and is drawn within labels.
    """
    done = dict(clips)
    for split, share in ((Split.TEST, test), (Split.VALIDATION, validation)):
        if split in done:
            continue
        train = done[Split.TRAIN]
        known = {clip.group for clip in _sound(train)} & {
            clip.group for clip in done.get(Split.TEST, [])
        }
        if all(clip.group for clip in _sound(train)) and not known - {None}:
            done[Split.TRAIN], done[split] = by_group(train, share)
        else:
            done[Split.TRAIN], done[split] = within_labels(train, share)
    return done


def drawn_within(found: Clips, done: Clips) -> tuple[Split, ...]:
    """Return the splits that `complete` has made of what people say who are in training, too.

    found, done: before and after it. Splits that were found are as they are.
    """
    known = {clip.group for clip in _sound(done[Split.TRAIN])} - {None}
    return tuple(
        split
        for split, clips in done.items()
        if split not in found and known & {clip.group for clip in _sound(clips)}
    )


def by_group(clips: Sequence[Clip], share: float) -> tuple[list[Clip], list[Clip]]:
    """Return (kept, held out); nobody is in both, and somebody is held out where there are two."""
    groups = [str(clip.group) for clip in _sound(clips)]
    divided = hold_out(groups, share)
    while not divided[1] and share < 0.5:  # a share of less than half of what anyone said
        share = min(2 * share, 0.5)
        divided = hold_out(groups, share)
    return _divided(clips, divided)


def within_labels(clips: Sequence[Clip], share: float) -> tuple[list[Clip], list[Clip]]:
    """Return (kept, held out); each label gives its share, where it has enough recordings."""
    sound = _sound(clips)
    names = [clip.key or clip.file.name for clip in sound]
    divided = hold_out(names, share, strata=[clip.text for clip in sound])
    if not divided[1]:  # transcripts: each is a stratum of its own, too small to hold out of
        divided = hold_out(names, share)
    return _divided(clips, divided)


def _divided(
    clips: Sequence[Clip], divided: tuple[list[int], list[int]]
) -> tuple[list[Clip], list[Clip]]:
    kept, held = divided
    sound = _sound(clips)
    faulty = [clip for clip in clips if clip.fault]
    return [*(sound[i] for i in kept), *faulty], [sound[i] for i in held]


def _sound(clips: Sequence[Clip]) -> list[Clip]:
    """Return the clips whose row can be read: a bad row has no part in where the others go."""
    return [clip for clip in clips if not clip.fault]
