"""The slow twin of every kernel: plain Python, standard library only, written from the docstrings.

Functions have their kernel's name and return what it writes. Tables (fold, information, permutations) are passed in as
plain sequences of int, so nothing of the package is loaded here. Hashes are Python integers cut to 64 or 32 bits.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

MASK64 = (1 << 64) - 1
MASK32 = (1 << 32) - 1
M = 0x9E3779B97F4A7C15
N = 0xD6E8FEB86659FD93
BASIS = 0xB2CDE4930257A49A
CHARACTER = 0x17297D8E6669A0BD
FIRST_CHARACTER = 0xC000

# --- text/tokens.py ---------------------------------------------------------------------------------------------------


class Token(NamedTuple):
    """A token: its 64-bit hash, 16-bit id, byte range in the text, and script."""

    hash: int
    id: int
    start: int
    end: int
    script: int


class Tokens(NamedTuple):
    """Tokens of a text, how many there are of each script, and the hash of the sequence."""

    tokens: list[Token]
    scripts: list[int]
    fingerprint: int


def mix(h: int, word: int) -> int:
    h = (h ^ word) * M & MASK64
    return (h >> 32 | h << 32) * N & MASK64


def finish(h: int) -> int:
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & MASK64
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & MASK64
    return h ^ h >> 33


def token_hash(folded: bytes) -> int:
    """Hash of a token's folded UTF-8: all whole words of eight bytes, then what is left, then the length."""
    h = BASIS
    whole = len(folded) // 8 * 8
    for at in range(0, whole, 8):
        h = mix(h, int.from_bytes(folded[at : at + 8], "little"))
    h = mix(h, int.from_bytes(folded[whole:], "little"))
    return finish(h + len(folded) * N & MASK64)


def word_id(h: int) -> int:
    return 1 + (h >> 32) * (FIRST_CHARACTER - 1) // (1 << 32)


def character_id(h: int) -> int:
    return FIRST_CHARACTER + (h * CHARACTER & MASK64) // (1 << 50)


def decode(text: bytes, i: int) -> tuple[int, int]:
    """Code point at byte ``i`` and its length; (0, 1) where Python's decoder finds no UTF-8."""
    for n in (1, 2, 3, 4):
        try:
            return ord(text[i : i + n].decode("utf-8")), n
        except UnicodeDecodeError:
            continue
    return 0, 1


def values_of(cp: int, index: Sequence[int], pages: Sequence[int], expansions: Sequence[int]) -> list[int]:
    """What the fold table says of a code point: nothing, or values that are 0 for a separator."""
    value = pages[index[cp // 256] * 256 + cp % 256]
    if value == -1:
        return []
    if value >= 0:
        return [value]
    at = -value - 2
    return list(expansions[at + 1 : at + 1 + expansions[at]])


def tokenise(
    text: bytes, index: Sequence[int], pages: Sequence[int], expansions: Sequence[int], scripts: int = 11
) -> Tokens:
    tokens: list[Token] = []
    counts = [0] * scripts
    folded: list[str] = []
    start = end = script = 0

    def close(identify=word_id) -> None:  # type: ignore[no-untyped-def]
        if folded:
            h = token_hash("".join(folded).encode("utf-8"))
            tokens.append(Token(h, identify(h), start, end, script))
            counts[script] += 1
            folded.clear()

    i = 0
    while i < len(text):
        cp, n = decode(text, i)
        for value in values_of(cp, index, pages, expansions):
            single = bool(value >> 21 & 1)
            if value == 0 or single:
                close()
            if value == 0:
                continue
            if not folded:
                start, script = i, value >> 22
            end = i + n
            folded.append(chr(value & 0x1FFFFF))
            if single:
                close(character_id)
        i += n
    close()
    fingerprint = BASIS
    for token in tokens:
        fingerprint = mix(fingerprint, token.hash)
    return Tokens(tokens, counts, finish(fingerprint))


# --- text/information.py ----------------------------------------------------------------------------------------------


def pair_slot_tag(before: int, token: int) -> tuple[int, int]:
    pair = before * 65536 + token
    mixed = (pair ^ pair >> 15) * 0x9E3779B1 & MASK32
    return mixed >> 12, mixed >> 4 & 0xFF


def conditional(single: Sequence[int], pairs: Sequence[int], before: int, token: int) -> int:
    if before == 0:
        return single[token]
    slot, tag = pair_slot_tag(before, token)
    known, discount = divmod(pairs[slot], 256)
    return max(single[token] - discount, 1) if known == tag else single[token]


def conditional_bits(single: Sequence[int], pairs: Sequence[int], ids: Sequence[int]) -> list[int]:
    return [conditional(single, pairs, before, token) for before, token in pairwise([0, *ids])]


# --- sketch/seeds.py --------------------------------------------------------------------------------------------------


def run_hash(ids: Sequence[int]) -> int:
    """``t0 * B**(n-1) + ... + tn-1 + n * N``, finished; B is M."""
    total = sum(t * pow(M, len(ids) - 1 - k, 1 << 64) for k, t in enumerate(ids))
    return finish((total + len(ids) * N) & MASK64)


def find_seeds(
    ids: Sequence[int], single: Sequence[int], least: int, word_limit: int, character_limit: int
) -> tuple[list[tuple[int, int]], int]:
    """Hash and index of the first token of each sampled seed; information of all tokens."""
    seeds = []
    for i in range(len(ids)):
        for length in range(2, 9):
            run = ids[i : i + length]
            if len(run) == length and sum(single[t] for t in run) >= least:
                h = run_hash(run)
                if h <= (character_limit if ids[i] >= FIRST_CHARACTER else word_limit):
                    seeds.append((h, i))
                break
    return seeds, sum(single[t] for t in ids)


# --- sketch/minhash.py ------------------------------------------------------------------------------------------------


def shingle_hashes(ids: Sequence[int]) -> list[int]:
    length = min(len(ids), 5)
    return [run_hash(ids[i : i + length]) >> 32 for i in range(len(ids) - length + 1)] if ids else []


def finish32(h: int) -> int:
    h = (h ^ h >> 16) * 0x85EBCA6B & MASK32
    h = (h ^ h >> 13) * 0xC2B2AE35 & MASK32
    return h ^ h >> 16


def minhash(hashes: Sequence[int], a: Sequence[int], b: Sequence[int]) -> list[int]:
    finished = [finish32(h) for h in hashes]
    return [min((x * h + y & MASK32 for h in finished), default=MASK32) for x, y in zip(a, b, strict=True)]


def signatures(texts: Sequence[Sequence[int]], a: Sequence[int], b: Sequence[int]) -> list[list[int]]:
    return [minhash(shingle_hashes(ids), a, b) for ids in texts]


def band_hashes(signature: Sequence[int], bands: int, rows: int) -> list[int]:
    out = []
    for band in range(bands):
        h = mix(BASIS, band)
        for value in signature[band * rows : (band + 1) * rows]:
            h = mix(h, value)
        out.append(finish(h))
    return out


# --- sketch/phrases.py, index/store.py --------------------------------------------------------------------------------

PHRASE = 24 * 16


def phrase_hashes(ids: Sequence[int], single: Sequence[int]) -> list[int]:
    """Hash of the shortest run of 2 to 8 tokens with `PHRASE` or more that ends at each token, or 0."""
    hashes = []
    for end in range(1, len(ids) + 1):
        runs = (ids[end - length : end] for length in range(2, min(8, end) + 1))
        hashes.append(next((run_hash(run) for run in runs if sum(single[t] for t in run) >= PHRASE), 0))
    return hashes


class Filter:
    """A Bloom filter of ``size`` bytes, a power of two, with two bits a hash: its low and its high half's lowest.

    Bit b stands in byte b // 8 and is worth 1 << b % 8 there; 0 stands for no phrase and is never learnt.
    """

    def __init__(self, size: int, hashes: Iterable[int] = ()) -> None:
        self.size = size
        self.bits = {bit for h in hashes if h for bit in self.positions(h)}

    def positions(self, h: int) -> set[int]:
        return {h % (8 * self.size), (h >> 32) % (8 * self.size)}

    def __contains__(self, h: object) -> bool:
        return isinstance(h, int) and self.positions(h) <= self.bits

    def bytes(self) -> list[int]:
        return [sum(1 << k for k in range(8) if 8 * at + k in self.bits) for at in range(self.size)]


def union(filters: Sequence[Filter]) -> Filter:
    """Knows what any of the filters does, and no more: bits of the smaller ones stand for all that fall on them."""
    out = Filter(max(f.size for f in filters))
    out.bits = {bit + turn for f in filters for bit in f.bits for turn in range(0, 8 * out.size, 8 * f.size)}
    return out


# --- match/weights.py -------------------------------------------------------------------------------------------------

LINKED_CHARACTER = 0.9
KNOWN = 0


def weigh(
    ids: Sequence[int], single: Sequence[int], pairs: Sequence[int], known: Container[int]
) -> tuple[list[int], list[int]]:
    """What each token of a document is worth where its predecessor is not shared, and where it is.

    A character after its predecessor keeps `LINKED_CHARACTER` of its conditional information, rounded down; a token
    that ends a phrase whose hash is ``known`` is worth `KNOWN` at most.
    """
    most = [KNOWN if h != 0 and h in known else 255 for h in phrase_hashes(ids, single)]
    bits = conditional_bits(single, pairs, ids)
    linked = [int(b * LINKED_CHARACTER) if t >= FIRST_CHARACTER else b for t, b in zip(ids, bits, strict=True)]
    alone = [single[t] for t in ids]
    return list(map(min, alone, most)), list(map(min, linked, most))


# --- index/table.py, match/lookup.py ----------------------------------------------------------------------------------


class Table(NamedTuple):
    """Sorted positions by bucket and remainder; None where a hash is common."""

    postings: dict[tuple[int, int], list[int] | None]
    bucket_bits: int
    position_bits: int

    def key(self, h: int) -> tuple[int, int]:
        return (h >> 16) % (1 << self.bucket_bits), h % (1 << (40 - self.position_bits))


def build_table(
    hashes: Sequence[int], positions: Sequence[int], bucket_bits: int, position_bits: int, most: int
) -> Table:
    table = Table({}, bucket_bits, position_bits)
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for h, position in zip(hashes, positions, strict=True):
        found[table.key(h)].append(position)
    for key, places in found.items():
        table.postings[key] = sorted(places) if len(places) <= most else None
    return table


def filter_bit(h: int, position_bits: int, size: int) -> int:
    """The lowest bits of what a table knows of a hash: its bucket above its remainder."""
    remainder_bits = 40 - position_bits
    return ((h >> 16) * 2**remainder_bits + h % 2**remainder_bits) % (8 * size)


def fill_filter(table: Table, size: int) -> list[int]:
    """Bytes of the filter that has the bit of every posting."""
    bits = 0
    for bucket, remainder in table.postings:
        bits |= 1 << filter_bit(bucket << 16 | remainder, table.position_bits, size)
    return list(bits.to_bytes(size, "little"))


def find_hits(hashes: Sequence[int], table: Table) -> tuple[list[tuple[int, int]], list[int]]:
    """Number of the seed and position of each hit; for each seed 1 where it is common."""
    hits, common = [], []
    for s, h in enumerate(hashes):
        places = table.postings.get(table.key(h), [])
        common.append(int(places is None))
        hits += [(s, position) for position in places or ()]
    return hits, common


# --- index/tables.py --------------------------------------------------------------------------------------------------


def count_phrases(references: Sequence[Sequence[int]], single: Sequence[int], size: int) -> list[int]:
    """In how many references some phrase falls on each counter, 65,535 at most."""
    counts = [0] * size
    for ids in references:
        for at in {h % size for h in phrase_hashes(ids, single) if h}:
            counts[at] = min(counts[at] + 1, 65535)
    return counts


REPEAT_SLOTS = 512


def drop_repeats(seeds: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The seeds of a reference but for those equal to the last one whose hash ends in the same nine bits."""
    last: dict[int, int] = {}
    kept = []
    for h, i in seeds:
        if last.get(h % REPEAT_SLOTS) != h:
            kept.append((h, i))
        last[h % REPEAT_SLOTS] = h
    return kept


def learn_counted(
    references: Sequence[Sequence[int]], single: Sequence[int], counts: Sequence[int], least: int
) -> list[int]:
    """The phrases of the references whose counter has ``least`` or more, as often as they stand there."""
    hashes = [h for ids in references for h in phrase_hashes(ids, single) if h]
    return [h for h in hashes if counts[h % len(counts)] >= least]


# --- match/extend.py --------------------------------------------------------------------------------------------------

MISMATCH = 6 * 16
DROP = 30 * 16


def extend_one_way(pairs: Iterator[tuple[int, int]], single: Sequence[int]) -> tuple[int, int]:
    """Best score of a prefix of pairs of tokens (0 for none), and that prefix's length."""
    score = best = length = 0
    for k, (token, theirs) in enumerate(pairs):
        if theirs == 0:
            break
        score += single[token] if token == theirs else -MISMATCH
        if score > best:
            best, length = score, k + 1
        if score < best - DROP:
            break
    return best, length


def extend(
    ids: Sequence[int], first: int, last: int, tokens: Sequence[int], i: int, j: int, single: Sequence[int]
) -> tuple[int, int, int]:
    right, after = extend_one_way(((ids[k], tokens[j + k - i]) for k in range(i, last)), single)
    left, before = extend_one_way(((ids[k], tokens[j + k - i]) for k in range(i - 1, first - 1, -1)), single)
    return left + right, i - before, i + after


def part_scores(
    ids: Sequence[int],
    begin: int,
    stop: int,
    tokens: Sequence[int],
    shift: int,
    alone: Sequence[int],
    linked: Sequence[int],
) -> list[int]:
    """Scores of pairing ``ids[begin:s]`` with the tokens ``shift`` further on, for each s after begin up to stop."""
    scores = [0]
    worth = alone
    for k in range(begin, stop):
        if ids[k] == tokens[k + shift]:
            scores.append(scores[-1] + worth[k])
            worth = linked
        else:
            scores.append(scores[-1] - MISMATCH)
            worth = alone
    return scores[1:]


def rescore(
    ids: Sequence[int],
    begin: int,
    stop: int,
    tokens: Sequence[int],
    shift: int,
    alone: Sequence[int],
    linked: Sequence[int],
) -> tuple[int, int, int]:
    """Score, begin and stop of the best part of all; of equal ones the first to end, then the last to begin."""
    best = (0, -begin, begin)
    for b in range(begin, stop):
        for s, score in enumerate(part_scores(ids, b, stop, tokens, shift, alone, linked), b + 1):
            if score > 0:
                best = max(best, (score, -s, b))
    return best[0], best[2], -best[1]


# --- match/align.py ---------------------------------------------------------------------------------------------------

GAP = 7 * 16
BAND = 24
ROWS = 4096


def extend_gapped(
    ids: Sequence[int],
    first: int,
    last: int,
    tokens: Sequence[int],
    i: int,
    j: int,
    step: int,
    alone: Sequence[int],
    linked: Sequence[int],
) -> tuple[int, list[tuple[int, int]]]:
    """Score of the best extension, and its matched pairs from the far end back.

    Cell (a, b) stands for a document tokens against b stream tokens, row after row, and holds its best score and the
    cell that this came from. A cell outside the band, or more than `DROP` under the best cell before it, is left out.
    """
    rows = min(last - i if step > 0 else i - first + 1, ROWS)
    columns = 0
    while tokens[j + step * columns] != 0:
        columns += 1
    cells: dict[tuple[int, int], tuple[int, tuple[int, int] | None]] = {(0, 0): (0, None)}
    best, best_cell = 0, (0, 0)
    for a in range(rows + 1):
        alive = a == 0
        for b in range(max(0, a - BAND), min(columns, a + BAND) + 1):
            d, r = i + step * (a - 1), j + step * (b - 1)
            options = []
            if (a - 1, b - 1) in cells:
                gain = -MISMATCH
                if ids[d] == tokens[r]:
                    same = d - 1 >= first and ids[d - 1] == tokens[r - 1]
                    gain = linked[d] if same else alone[d]
                options.append((cells[a - 1, b - 1][0] + gain, (a - 1, b - 1)))
            options += [(cells[cell][0] - GAP, cell) for cell in ((a - 1, b), (a, b - 1)) if cell in cells]
            if not options:
                continue
            score, origin = max(options, key=lambda option: option[0])
            if score < best - DROP:
                continue
            cells[a, b] = score, origin
            alive = True
            if score > best:
                best, best_cell = score, (a, b)
        if not alive:
            break
    matched = []
    cell = best_cell
    while (origin := cells[cell][1]) is not None:
        a, b = cell
        d, r = i + step * (a - 1), j + step * (b - 1)
        if origin == (a - 1, b - 1) and ids[d] == tokens[r]:
            matched.append((d, r))
        cell = origin
    return best, matched


# --- match/hits.py ----------------------------------------------------------------------------------------------------

GATE = 50 * 16
SECOND_GATE = 38 * 16
KEEP = 40 * 16
DIAGONALS = 1024
CANDIDATES = 4096
SLACK = 3
MORE = 1.5


class Candidate(NamedTuple):
    """An ungapped alignment of document tokens ``begin`` to ``end`` with those ``diagonal`` further on."""

    score: int
    begin: int
    end: int
    diagonal: int


class Alignment(NamedTuple):
    """A document's alignment with a reference: its score, and runs of shared tokens (index, position, length)."""

    doc: int
    ref: int
    score: int
    blocks: list[tuple[int, int, int]]


def blocks_of(matched: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Matched pairs in order as runs on one diagonal."""
    blocks: list[tuple[int, int, int]] = []
    for d, r in matched:
        if blocks and blocks[-1][0] + blocks[-1][2] == d and blocks[-1][1] + blocks[-1][2] == r:
            blocks[-1] = (blocks[-1][0], blocks[-1][1], blocks[-1][2] + 1)
        else:
            blocks.append((d, r, 1))
    return blocks


def is_explained(candidate: Candidate, alignments: Sequence[Alignment]) -> bool:
    for _, _, score, blocks in alignments:
        if blocks[0][0] <= candidate.begin and candidate.end <= blocks[-1][0] + blocks[-1][2]:
            shifts = [r - d for d, r, _ in blocks]
            near = min(shifts) - SLACK <= candidate.diagonal <= max(shifts) + SLACK
            if near or score >= MORE * candidate.score:
                return True
    return False


def align_candidate(
    ids: Sequence[int],
    first: int,
    last: int,
    tokens: Sequence[int],
    candidate: Candidate,
    alone: Sequence[int],
    linked: Sequence[int],
) -> tuple[int, list[tuple[int, int, int]]]:
    score, begin, end, shift = candidate
    left, before = extend_gapped(ids, first, last, tokens, begin - 1, begin - 1 + shift, -1, alone, linked)
    right, after = extend_gapped(ids, first, last, tokens, end, end + shift, 1, alone, linked)
    core = [(k, k + shift) for k in range(begin, end) if ids[k] == tokens[k + shift]]
    return left + score + right, blocks_of([*before, *core, *after[::-1]])


def align_hits(
    ids: Sequence[int],
    token_offsets: Sequence[int],
    hits: Sequence[tuple[int, int, int]],
    tokens: Sequence[int],
    ref_offsets: Sequence[int],
    single: Sequence[int],
    pairs: Sequence[int],
    known: Container[int] = (),
) -> list[Alignment]:
    """Alignments of documents with hits (document, index in ids, position in tokens), given in document order."""
    out: list[Alignment] = []
    weights = [weigh(ids[first:last], single, pairs, known) for first, last in pairwise(token_offsets)]
    alone = [worth for mine, _ in weights for worth in mine]
    linked = [worth for _, mine in weights for worth in mine]
    for doc in sorted({doc for doc, _, _ in hits}):
        first, last = token_offsets[doc], token_offsets[doc + 1]
        seen: dict[int, tuple[int, int]] = {}
        mine: list[Alignment] = []
        candidates: list[Candidate] = []
        for of, i, j in hits:
            if of != doc:
                continue
            diagonal = j - i
            known, until = seen.get(diagonal % DIAGONALS, (0, -1))
            if known == diagonal and i < until:
                continue
            score, begin, end = extend(ids, first, last, tokens, i, j, single)
            seen[diagonal % DIAGONALS] = diagonal, max(end, i + 1)
            if score >= GATE:
                candidates.append(Candidate(score, begin, end, diagonal))
        if len(candidates) >= CANDIDATES:
            raise ValueError(f"{len(candidates)} candidates; the twin takes fewer than {CANDIDATES}")
        for candidate in sorted(candidates, key=lambda c: -c.score):
            if is_explained(candidate, mine):
                continue
            diagonal = candidate.diagonal
            part = rescore(ids, candidate.begin, candidate.end, tokens, diagonal, alone, linked)
            if part[0] < SECOND_GATE:
                continue
            score, blocks = align_candidate(ids, first, last, tokens, Candidate(*part, diagonal), alone, linked)
            if score >= KEEP:
                position = part[1] + diagonal
                ref = sum(offset <= position for offset in ref_offsets[1:-1])
                mine.append(Alignment(doc, ref, score, blocks))
        out += mine
    return out


# --- match/masking.py -------------------------------------------------------------------------------------------------

PLACEHOLDER = re.compile(
    rb"\[[^\]]{1,38}\]|<[^>]{1,38}>|\{[^}]{1,38}\}|\xe3\x80\x90.{0,34}?\xe3\x80\x91|\*{3,}|#{3,}|_{3,}"
    rb"|[Xx]{2,}(?![0-9A-Za-z])|(?:\xe2[\x96\x97].)+(?:\xe6\x9f\x90)*|(?:\xe6\x9f\x90)+|(?:\xc3\x97){2,}",
    re.DOTALL,
)


def masked_tokens(gap: bytes, missing: int) -> int:
    """How many of ``missing`` tokens the placeholders in a gap stand for: all, or one each where it has words too."""
    placeholders = words = i = 0
    while i < len(gap):
        if found := PLACEHOLDER.match(gap, i):
            placeholders += 1
            i = found.end()
        elif word := re.compile(rb"[0-9A-Za-z]+").match(gap, i):
            words += 1
            i = word.end()
        else:
            words += gap[i] >= 0xC4 and gap[i] not in (0xE2, 0xE3, 0xEF)
            i += 1
    if not placeholders:
        return 0
    return min(missing, placeholders) if words else missing


# --- match/evidence.py ------------------------------------------------------------------------------------------------

JOINT = 20 * 16
DRIFT = 24


def joint_score(alignments: Sequence[dict[str, int]]) -> tuple[int, list[dict[str, int]]]:
    """Score of alignments of one pair, given by falling score, and those that it is made of."""

    def apart(a: dict[str, int], b: dict[str, int], text: str) -> bool:
        return a[f"{text}_end"] <= b[f"{text}_begin"] or b[f"{text}_end"] <= a[f"{text}_begin"]

    top, *others = alignments
    total, taken = top["score"], [top]
    for k, one in enumerate(others, 1):
        near = top["low"] - DRIFT < one["low"] and one["high"] < top["high"] + DRIFT
        free = all(apart(one, a, "doc") and apart(one, a, "ref") for a in alignments[:k])
        if near and free and one["score"] > JOINT:
            total += one["score"] - JOINT
            taken.append(one)
    return total, taken
