"""Machine instructions against what they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from provscan.text.machine import load64, prefetch, trailing_zeros


@njit
def call_load64(array, index):  # type: ignore[no-untyped-def]
    return load64(array, index)


@njit
def call_trailing_zeros(value):  # type: ignore[no-untyped-def]
    return trailing_zeros(value)


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_prefetch_leaves_the_array_alone(dtype: type) -> None:
    array = np.arange(5, dtype=dtype)
    assert call_prefetch(array, 3) == 3
    assert array.tolist() == [0, 1, 2, 3, 4]
