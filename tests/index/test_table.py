"""Posting tables and their look-up against the twin, a dictionary."""

from __future__ import annotations

import random

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provscan.index.table import (
    PADDING,
    WIDTH,
    Table,
    bucket_count,
    build_table,
    count_into,
    filter_bit,
    finish_table,
    get,
    make_filter,
    place_into,
    position_bits_for,
    posting,
    put,
)
from provscan.match.lookup import BLOCK, find_hits

TOKENS = np.zeros(8, np.uint16)
"""The look-up only asks the machine to fetch the tokens at the hits."""


def make(hashes: list[int], positions: list[int], most: int = 1 << 31) -> Table:
    return build_table(np.array(hashes, np.uint64), np.array(positions, np.uint32), most)


def twin(table: Table, hashes: list[int], positions: list[int], most: int = 1 << 31) -> naive.Table:
    bucket_bits = (len(table.buckets) - 1).bit_length() - 1
    return naive.build_table(hashes, positions, bucket_bits, table.position_bits, most)


def comp_hits(table: Table, hashes: list[int], room: int = 1 << 16) -> tuple[list[tuple[int, int]], list[int]]:
    """All hits, looked up again from where the arrays were full."""
    wanted = np.array(hashes, np.uint64)
    hit_seeds, hit_positions = np.empty(room, np.uint32), np.empty(room, np.uint32)
    common = np.full(len(hashes), 9, np.uint8)
    out: list[tuple[int, int]] = []
    bits = make_filter(table)
    at = 0
    while at < len(hashes):
        before = at
        at, n = find_hits(wanted, len(hashes), at, bits, *table, TOKENS, hit_seeds, hit_positions, common)
        assert n < room
        if at == before:
            raise BufferError(f"{room} are too few for the postings of a block of seeds")
        out += zip(hit_seeds[:n].tolist(), hit_positions[:n].tolist(), strict=True)
    return out, common.tolist()


def random_postings(
    rng: random.Random, n: int, largest: int, distinct: int | None = None
) -> tuple[list[int], list[int]]:
    pool = [rng.getrandbits(64) for _ in range(distinct or n)]
    return [rng.choice(pool) for _ in range(n)], [rng.randrange(1, largest + 1) for _ in range(n)]


@pytest.mark.parametrize("n", [0, 1, 2, 7, 40, 300, 2000])
@pytest.mark.parametrize("largest", [1, (1 << 24) - 1, 1 << 24, (1 << 32) - 1])
def test_find_hits_finds_every_posting(n: int, largest: int) -> None:
    hashes, positions = random_postings(random.Random(n), n, largest)
    table = make(hashes, positions)
    found, common = comp_hits(table, hashes)
    assert not any(common)
    assert {(s, position) for s, position in enumerate(positions)} <= set(found)


@pytest.mark.parametrize("most", [1, 2, 5, 50, 1 << 31])
@pytest.mark.parametrize(("n", "distinct"), [(1, 1), (60, 9), (600, 200), (1500, 3), (1500, 1)])
def test_build_table_equals_twin(n: int, distinct: int, most: int) -> None:
    rng = random.Random(n * distinct)
    hashes, positions = random_postings(rng, n, 1 << 20, distinct)
    table = make(hashes, positions, most)
    wanted = list(dict.fromkeys(hashes)) + [rng.getrandbits(64) for _ in range(200)]
    rng.shuffle(wanted)
    assert comp_hits(table, wanted, 1 << 18) == naive.find_hits(wanted, twin(table, hashes, positions, most))


small = st.integers(0, 7)


@given(st.lists(st.tuples(small, small, st.integers(1, 1 << 25)), max_size=120), st.integers(1, 9))
def test_build_table_equals_twin_where_hashes_collide(parts: list[tuple[int, int, int]], most: int) -> None:
    """Few buckets and few remainders: other hashes than the one wanted stand before, after and in its place."""
    hashes = [bucket << 16 | remainder << 5 | 1 << 63 for bucket, remainder, _ in parts]
    positions = [position for *_, position in parts]
    table = make(hashes, positions, most)
    wanted = [bucket << 16 | remainder << 4 for bucket in range(9) for remainder in range(17)]
    assert comp_hits(table, wanted) == naive.find_hits(wanted, twin(table, hashes, positions, most))


@pytest.mark.parametrize("n", [2, 31, 32, 33, 34, 65])
def test_build_table_sorts_buckets_of_any_size(n: int) -> None:
    """Small buckets and large ones are sorted in different ways."""
    positions = list(range(n, 0, -1))
    hashes = [0x70000 | k % 3 for k in range(n)]  # one bucket
    table = make(hashes, positions, n)
    assert comp_hits(table, [0x70000, 0x70001, 0x70002, 0x70003]) == naive.find_hits(
        [0x70000, 0x70001, 0x70002, 0x70003], twin(table, hashes, positions, n)
    )


def test_build_table_of_one_bucket_of_thousands() -> None:
    hashes = [0xABCDEF] * 5000
    positions = list(range(5000, 0, -1))
    found, common = comp_hits(make(hashes, positions), [0xABCDEF], 6000)
    assert found == [(0, position) for position in range(1, 5001)]
    assert common == [0]


@pytest.mark.parametrize(("n", "cut"), [(49, False), (50, False), (51, True), (5000, True)])
def test_build_table_common_hash_is_marked(n: int, cut: bool) -> None:
    hashes = [0x123456789] * n + [0x123456789 + 1, 0x123456789 - 1]
    table = make(hashes, list(range(1, n + 3)), 50)
    found, common = comp_hits(table, [0x123456789 - 1, 0x123456789, 0x123456789 + 1])
    assert common == [0, int(cut), 0]
    assert len(found) == 2 + (0 if cut else n)
    assert len(table.postings) == (len(found) + cut) * WIDTH + PADDING
    assert not table.postings[-PADDING:].any()


def test_build_table_equal_postings_are_kept_apart() -> None:
    assert comp_hits(make([5, 5, 5], [8, 8, 8]), [5])[0] == [(0, 8)] * 3


def test_build_table_does_not_depend_on_order() -> None:
    rng = random.Random(11)
    hashes, positions = random_postings(rng, 400, 1 << 30, 90)
    one = make(hashes, positions, 6)
    order = rng.sample(range(400), 400)
    other = make([hashes[k] for k in order], [positions[k] for k in order], 6)
    assert one.position_bits == other.position_bits
    assert np.array_equal(one.buckets, other.buckets) and np.array_equal(one.postings, other.postings)


def test_build_table_in_parts_of_buckets() -> None:
    """Threads that each count and place a range of buckets make the same table."""
    hashes, positions = random_postings(random.Random(12), 500, 1 << 20, 300)
    whole = make(hashes, positions, 3)
    h, p = np.array(hashes, np.uint64), np.array(positions, np.uint32)
    buckets = np.zeros_like(whole.buckets)
    postings = np.zeros(500 * WIDTH + PADDING, np.uint8)
    last = len(buckets) - 1
    ranges = [(0, 5), (5, 6), (6, 6), (6, last)]
    for low, high in reversed(ranges):
        count_into(h, 500, low, high, buckets)
    assert buckets.sum() == 500

    def place(cursor: np.ndarray) -> None:
        for low, high in ranges:
            place_into(h, p, 500, low, high, cursor, postings, whole.position_bits)

    parts = finish_table(buckets, postings, whole.position_bits, 3, place)
    assert np.array_equal(parts.buckets, whole.buckets) and np.array_equal(parts.postings, whole.postings)


@pytest.mark.parametrize("room", [1000, 1500, 5000])
def test_find_hits_resumes(room: int) -> None:
    """Blocks of seeds that do not fit are given back whole; nothing is lost and nothing doubled."""
    rng = random.Random(13)
    hashes, positions = random_postings(rng, 900, 1 << 20, 300)
    table = make(hashes, positions, 8)
    wanted = [rng.choice(hashes) for _ in range(10 * BLOCK + 5)]
    ref = naive.find_hits(wanted, twin(table, hashes, positions, 8))
    assert len(ref[0]) > 1500
    assert comp_hits(table, wanted, room) == ref


def test_find_hits_too_small_says_where_it_stands() -> None:
    """The caller sees by the seed to go on with that nothing was done."""
    table = make([7] * 100, list(range(1, 101)))
    for room in (1, 99, 100):
        arrays = np.full(room, 77, np.uint32), np.full(room, 77, np.uint32)
        assert find_hits(
            np.array([7], np.uint64), 1, 0, make_filter(table), *table, TOKENS, *arrays, np.zeros(1, np.uint8)
        ) == (0, 0)
    assert len(comp_hits(table, [7], 101)[0]) == 100


@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_find_hits_numbers_of_seeds_about_a_block(n: int) -> None:
    hashes, positions = random_postings(random.Random(n), max(n, 1), 1 << 10)
    table = make(hashes, positions)
    assert comp_hits(table, hashes[:n]) == naive.find_hits(hashes[:n], twin(table, hashes, positions))


def test_find_hits_begins_and_ends_where_told() -> None:
    hashes, positions = random_postings(random.Random(15), 100, 1 << 10)
    table = make(hashes, positions)
    arrays = np.empty(5000, np.uint32), np.empty(5000, np.uint32)
    common = np.full(100, 9, np.uint8)
    after, n = find_hits(np.array(hashes, np.uint64), 90, 20, make_filter(table), *table, TOKENS, *arrays, common)
    assert after == 90
    assert set(arrays[0][:n].tolist()) == set(range(20, 90))
    assert common.tolist() == [9] * 20 + [0] * 70 + [9] * 10


@pytest.mark.parametrize(
    ("largest", "bits"),
    [(0, 24), (1, 24), ((1 << 24) - 1, 24), (1 << 24, 25), ((1 << 32) - 1, 32), ((1 << 31) + 1, 32)],
)
def test_position_bits_for(largest: int, bits: int) -> None:
    assert position_bits_for(largest) == bits


def test_position_bits_for_too_large() -> None:
    with pytest.raises(ValueError, match="4294967296 does not fit 32 bits"):
        position_bits_for(1 << 32)


@pytest.mark.parametrize("postings", [0, 1, 39, 40, 41, 64, 65, 1000, 1024, 1025, 10**8])
def test_bucket_count_is_the_least_power_of_two_that_is_enough(postings: int) -> None:
    n = bucket_count(postings)
    assert n & (n - 1) == 0
    assert postings <= 8 * n
    assert n == 8 or postings > 4 * n


@pytest.mark.parametrize("largest", [1, (1 << 28) - 1, (1 << 32) - 1])
@pytest.mark.parametrize("n", [0, 1, 70, 900])
def test_make_filter_equals_twin(n: int, largest: int) -> None:
    """Every posting passes, common ones too, and few of what the table does not have."""
    rng = random.Random(n)
    hashes, positions = random_postings(rng, n, largest, max(1, n // 3))
    table = make(hashes, positions, 5)
    bits = make_filter(table)
    size = len(bits)
    assert bits.dtype == np.uint8 and size & (size - 1) == 0
    assert bits.tolist() == naive.fill_filter(twin(table, hashes, positions, 5), size)

    def passes(h: int) -> bool:
        bit = int(filter_bit(np.uint64(h), table.position_bits, size))
        assert bit == naive.filter_bit(h, table.position_bits, size)
        return bool(bits[bit >> 3] >> (bit & 7) & 1)

    assert all(map(passes, hashes))
    assert sum(passes(rng.getrandbits(64)) for _ in range(800)) < 150


@given(st.integers(0, naive.MASK64), st.integers(24, 32), st.data())
def test_put_get_posting(h: int, bits: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, (1 << bits) - 1))
    value = posting(np.uint64(h), np.uint32(position), bits)
    assert int(value) == h % (1 << 40 - bits) << bits | position
    postings = np.full(3 * WIDTH + PADDING, 0xEE, np.uint8)
    put(postings, 1, np.uint64(value))
    assert int(get(postings, 1)) == int(value)
    assert (np.delete(postings, range(WIDTH, 2 * WIDTH)) == 0xEE).all()
