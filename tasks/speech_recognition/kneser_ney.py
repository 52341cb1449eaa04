"""N-gram language models by interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998).

Written in the ARPA format, which KenLM and others read. Probabilities of n-grams are the
interpolated ones, back-offs the weight of the lower order (as in Heafield et al. 2013, section 3).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
_DEFAULT_DISCOUNTS = (0.5, 1.0, 1.5)
"""For counts of 1, 2, 3 and more where too little text tells (KenLM's `--discount_fallback`)."""

NGram = tuple[str, ...]


class Entry(NamedTuple):
    """Logarithms to the base 10: of the probability, and of the weight of the lower order."""

    probability: float
    backoff: float = 0.0


def estimate(
    sentences: Iterable[Sequence[str]], order: int, vocabulary: Iterable[str] = ()
) -> dict[NGram, Entry]:
    """Return the entries of all n-grams of these sentences up to `order`.

    vocabulary: words beyond those of the sentences; they share in what unseen words get.
    """
    counts = _adjusted(list(sentences), order)
    known = {word for (word,) in counts[0]} | set(vocabulary) | {END, UNKNOWN}
    below: dict[NGram, float] = {(): 1 / len(known - {BEGIN})}
    entries: dict[NGram, Entry] = {}
    for n, count in enumerate(counts, 1):
        weight, probability = _interpolated(count, below)
        if n == 1:
            uniform = weight[()] * below[()]
            probability.update({(w,): uniform for w in known if (w,) not in probability})
        for context, value in weight.items():
            if context:
                entries[context] = entries[context]._replace(backoff=math.log10(value))
        entries.update({ngram: Entry(math.log10(p)) for ngram, p in probability.items()})
        if n == 1:
            entries[(BEGIN,)] = Entry(-99.0)  # never predicted: it stands there for its back-off
        below = probability
    return entries


def _adjusted(sentences: list[Sequence[str]], order: int) -> list[Counter[NGram]]:
    """Return counts by length: occurrences of the longest, different words before the others.

    What begins a sentence has nothing before it and keeps its occurrences.
    """
    occurrences: list[Counter[NGram]] = [Counter() for _ in range(order)]
    for sentence in sentences:
        framed = (BEGIN, *sentence, END)
        for n in range(1, order + 1):
            occurrences[n - 1].update(framed[i : i + n] for i in range(len(framed) - n + 1))
    adjusted = []
    for n, count in enumerate(occurrences, 1):
        if n == order:
            kept = count
        else:
            kept = Counter(ngram[1:] for ngram in occurrences[n])
            kept.update({ngram: c for ngram, c in count.items() if ngram[0] == BEGIN})
        kept.pop((BEGIN,), None)
        adjusted.append(kept)
    return adjusted


def _interpolated(
    count: Counter[NGram], below: Mapping[NGram, float]
) -> tuple[dict[NGram, float], dict[NGram, float]]:
    """Return the weight of the lower order by context, and the probability by n-gram."""
    discount = _discounts(count)
    total: dict[NGram, int] = defaultdict(int)
    taken: dict[NGram, float] = defaultdict(float)
    for ngram, c in count.items():
        total[ngram[:-1]] += c
        taken[ngram[:-1]] += discount[min(c, 3) - 1]
    weight = {context: taken[context] / total[context] for context in total}
    probability = {}
    for ngram, c in count.items():
        context = ngram[:-1]
        lower = below[ngram[1:]] if context else below[()]
        left = c - discount[min(c, 3) - 1]
        probability[ngram] = left / total[context] + weight[context] * lower
    return weight, probability


def _discounts(count: Counter[NGram]) -> tuple[float, float, float]:
    """Return what is taken from counts of 1, 2, and 3 or more (their equation 26)."""
    times = Counter(count.values())
    if not all(times[k] for k in (1, 2, 3, 4)):
        return _DEFAULT_DISCOUNTS
    y = times[1] / (times[1] + 2 * times[2])
    found = tuple(k - (k + 1) * y * times[k + 1] / times[k] for k in (1, 2, 3))
    sound = all(0 < found[k - 1] < k for k in (1, 2, 3))
    return (found[0], found[1], found[2]) if sound else _DEFAULT_DISCOUNTS


def log_probability(entries: Mapping[NGram, Entry], history: Sequence[str], word: str) -> float:
    """Return log10 of the probability of a word behind a history, as an ARPA file defines it."""
    if (word,) not in entries:
        word = UNKNOWN
    longest = max(map(len, entries)) - 1
    context = tuple(history)[-longest:] if longest else ()
    backoff = 0.0
    while (*context, word) not in entries:
        backoff += entries[context].backoff if context in entries else 0.0
        context = context[1:]
    return backoff + entries[(*context, word)].probability


def write_arpa(entries: Mapping[NGram, Entry], path: Path) -> None:
    """Write the entries as an ARPA file."""
    order = max(map(len, entries))
    by_length = [sorted(ngram for ngram in entries if len(ngram) == n + 1) for n in range(order)]
    lines = ["\\data\\", *(f"ngram {n}={len(part)}" for n, part in enumerate(by_length, 1))]
    for n, part in enumerate(by_length, 1):
        lines += ["", f"\\{n}-grams:"]
        for ngram in part:
            entry = entries[ngram]
            line = f"{entry.probability:.7f}\t{' '.join(ngram)}"
            lines.append(line if n == order else f"{line}\t{entry.backoff:.7f}")
    path.write_text("\n".join([*lines, "", "\\end\\", ""]), encoding="utf-8")
