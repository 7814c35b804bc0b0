"""Machine instructions against what they stand for."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numba import njit

from provscan.text.machine import alnum_mask, high_mask, leading_zeros, load64, prefetch, trailing_zeros


@njit
def call_load64(array, index):  # type: ignore[no-untyped-def]
    return load64(array, index)


@njit
def call_trailing_zeros(value):  # type: ignore[no-untyped-def]
    return trailing_zeros(value)


@njit
def call_leading_zeros(value):  # type: ignore[no-untyped-def]
    return leading_zeros(value)


@njit
def call_masks(array, index):  # type: ignore[no-untyped-def]
    return alnum_mask(array, index), high_mask(array, index)


@njit
def call_prefetch(array, index):  # type: ignore[no-untyped-def]
    prefetch(array, index)
    return array[index]


@pytest.mark.parametrize("index", range(9))
def test_load64_every_alignment(index: int) -> None:
    data = bytes(range(240, 256)) + b"\x00"
    ref = int.from_bytes(data[index : index + 8], "little")
    assert int(call_load64(np.frombuffer(data, np.uint8), index)) == ref


def test_trailing_zeros_every_bit() -> None:
    assert call_trailing_zeros(np.uint64(0)) == 64
    for bit in range(64):
        assert call_trailing_zeros(np.uint64(1 << bit)) == bit
        assert call_trailing_zeros(np.uint64((1 << 64) - (1 << bit))) == bit


def test_leading_zeros_every_bit() -> None:
    assert call_leading_zeros(np.uint64(0)) == 64
    for bit in range(64):
        assert call_leading_zeros(np.uint64(1 << bit)) == 63 - bit
        assert call_leading_zeros(np.uint64((2 << bit) - 1)) == 63 - bit


@pytest.mark.parametrize("index", [0, 1, 31, 63, 64])
def test_masks_every_byte_in_every_place(index: int) -> None:
    rng = random.Random(index)
    for shift in range(64):
        data = bytes((k + shift) % 256 for k in range(256)) if index else rng.randbytes(256)
        for at in range(0, 256 - 127, 64):
            block = data[at + index : at + index + 64]
            alnum, high = call_masks(np.frombuffer(data, np.uint8), at + index)
            assert int(alnum) == sum(1 << k for k, b in enumerate(block) if b < 128 and chr(b).isalnum())
            assert int(high) == sum(1 << k for k, b in enumerate(block) if b >= 128)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_prefetch_leaves_the_array_alone(dtype: type) -> None:
    array = np.arange(5, dtype=dtype)
    assert call_prefetch(array, 3) == 3
    assert array.tolist() == [0, 1, 2, 3, 4]
