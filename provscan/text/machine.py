"""Machine instructions that numba has no function for: unaligned loads, counts of zeros, classes of 64 bytes at once,
prefetch.

With ``NUMBA_DISABLE_JIT=1`` plain Python does the same, so that coverage sees the kernels.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

if config.DISABLE_JIT:

    def load64(array: np.ndarray, index: int) -> np.uint64:
        """Eight bytes of a uint8 array from ``index`` on, little-endian, as uint64; the caller keeps within bounds."""
        return array[index : index + 8].view(np.uint64)[0]

    def trailing_zeros(value: np.uint64) -> np.int64:
        """Number of zero bits below the lowest set bit of a uint64; 64 for 0."""
        v = int(value)
        return np.int64((v & -v).bit_length() - 1 if v else 64)

    def leading_zeros(value: np.uint64) -> np.int64:
        """Number of zero bits above the highest set bit of a uint64; 64 for 0."""
        return np.int64(64 - int(value).bit_length())

    def alnum_mask(array: np.ndarray, index: int) -> np.uint64:
        """A bit for each of 64 bytes from ``index`` on: whether it is an ASCII letter or digit."""
        block = bytes(array[index : index + 64])
        return np.uint64(sum(1 << k for k, b in enumerate(block) if b < 128 and chr(b).isalnum()))

    def high_mask(array: np.ndarray, index: int) -> np.uint64:
        """A bit for each of 64 bytes from ``index`` on: whether it is 128 or more."""
        block = bytes(array[index : index + 64])
        return np.uint64(sum(1 << k for k, b in enumerate(block) if b >= 128))

    def prefetch(array: np.ndarray, index: int) -> None:
        """Ask for the cache line that holds ``array[index]``."""

else:

    def _element(context, builder, array_type, array_value, index):
        array = context.make_array(array_type)(context, builder, array_value)
        return cgutils.get_item_pointer(
            context, builder, array_type, array, [index], wraparound=False, boundscheck=False
        )

    @intrinsic
    def load64(typingctx, array, index):
        """Eight bytes of a uint8 array from ``index`` on, little-endian, as uint64; the caller keeps within bounds."""

        def codegen(context, builder, signature, args):
            pointer = _element(context, builder, signature.args[0], args[0], args[1])
            wide = builder.bitcast(pointer, ir.IntType(64).as_pointer())
            return builder.load(wide, align=1)

        return types.uint64(array, types.int64), codegen

    @intrinsic
    def trailing_zeros(typingctx, value):
        """Number of zero bits below the lowest set bit of a uint64; 64 for 0."""

        def codegen(context, builder, signature, args):
            return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

        return types.int64(types.uint64), codegen

    @intrinsic
    def leading_zeros(typingctx, value):
        """Number of zero bits above the highest set bit of a uint64; 64 for 0."""

        def codegen(context, builder, signature, args):
            return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

        return types.int64(types.uint64), codegen

    BYTES = ir.VectorType(ir.IntType(8), 64)

    def _block(context, builder, signature, args):
        """The 64 bytes at ``array[index]`` as one vector."""
        pointer = _element(context, builder, signature.args[0], args[0], args[1])
        return builder.load(builder.bitcast(pointer, BYTES.as_pointer()), align=1)

    def _splat(value):
        return ir.Constant(BYTES, [value] * 64)

    @intrinsic
    def alnum_mask(typingctx, array, index):
        """A bit for each of 64 bytes from ``index`` on: whether it is an ASCII letter or digit."""

        def codegen(context, builder, signature, args):
            block = _block(context, builder, signature, args)
            lower = builder.or_(block, _splat(0x20))
            letter = builder.icmp_unsigned("<", builder.sub(lower, _splat(ord("a"))), _splat(26))
            digit = builder.icmp_unsigned("<", builder.sub(block, _splat(ord("0"))), _splat(10))
            return builder.bitcast(builder.or_(letter, digit), ir.IntType(64))

        return types.uint64(array, types.int64), codegen

    @intrinsic
    def high_mask(typingctx, array, index):
        """A bit for each of 64 bytes from ``index`` on: whether it is 128 or more."""

        def codegen(context, builder, signature, args):
            block = _block(context, builder, signature, args)
            return builder.bitcast(builder.icmp_signed("<", block, _splat(0)), ir.IntType(64))

        return types.uint64(array, types.int64), codegen

    @intrinsic
    def prefetch(typingctx, array, index):
        """Ask for the cache line that holds ``array[index]``."""

        def codegen(context, builder, signature, args):
            pointer = builder.bitcast(
                _element(context, builder, signature.args[0], args[0], args[1]), ir.IntType(8).as_pointer()
            )
            kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), *[ir.IntType(32)] * 3])
            function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
            builder.call(function, [pointer, *(ir.Constant(ir.IntType(32), n) for n in (0, 3, 1))])
            return context.get_dummy_value()

        return types.void(array, types.int64), codegen
