"""Sixty-four bytes of text at a time: which are whitespace, which are in words, which are not ASCII; and in lower case.
`scorers/kernels/jit.py` hands them out."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from scorers.kernels.jit import BLOCK

LANES = ir.VectorType(ir.IntType(8), BLOCK)
WHITESPACE = ((9, 5), (28, 4), (32, 1))
"""What str.split splits at in ASCII: first byte and how many from there on."""
DIGITS = (48, 10)
CAPITALS = (65, 26)
SMALL = (97, 26)
CASE_BIT = 32


def _block(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    made = context.make_array(kind)(context, builder, array)
    return builder.bitcast(builder.gep(made.data, [index]), LANES.as_pointer())


def _loaded(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    block = builder.load(_block(context, builder, kind, array, index))
    block.align = 1
    return block


def _all(byte: int) -> Any:
    return ir.Constant(LANES, [byte] * BLOCK)


def _among(builder: Any, block: Any, first: int, count: int) -> Any:
    """i1[64]: a byte is one of `count` from `first` on."""
    return builder.icmp_unsigned("<", builder.sub(block, _all(first)), _all(count))


def _whitespace(_context: Any, array: Any, index: Any) -> Any:
    signature = types.uint64(array, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _loaded(context, builder, signature.args[0], *arguments)
        one, *more = (_among(builder, block, *run) for run in WHITESPACE)
        for other in more:
            one = builder.or_(one, other)
        return builder.bitcast(one, ir.IntType(64))

    return signature, generate


whitespace: Any = intrinsic(_whitespace)
"""Bit k: byte k of the 64 from `index` of a u8 array on is whitespace in ASCII. The array must have 64 bytes from there."""


def _not_ascii(_context: Any, array: Any, index: Any) -> Any:
    signature = types.uint64(array, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _loaded(context, builder, signature.args[0], *arguments)
        return builder.bitcast(builder.icmp_signed("<", block, _all(0)), ir.IntType(64))

    return signature, generate


not_ascii: Any = intrinsic(_not_ascii)
"""Bit k: byte k of the 64 from `index` of a u8 array on is not ASCII. The array must have 64 bytes from there."""


def _word_bytes(_context: Any, array: Any, index: Any) -> Any:
    signature = types.uint64(array, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _loaded(context, builder, signature.args[0], *arguments)
        letter = _among(builder, builder.or_(block, _all(CASE_BIT)), *SMALL)
        other = builder.or_(_among(builder, block, *DIGITS), builder.icmp_signed("<", block, _all(0)))
        return builder.bitcast(builder.or_(letter, other), ir.IntType(64))

    return signature, generate


word_bytes: Any = intrinsic(_word_bytes)
"""Bit k: byte k of the 64 from `index` of a u8 array on is an ASCII letter or digit, or not ASCII. The array must have 64
bytes from there."""


def _copy_lower(_context: Any, array: Any, index: Any, out: Any, place: Any) -> Any:
    signature = types.void(array, index, out, place)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _loaded(context, builder, signature.args[0], *arguments[:2])
        lower = builder.or_(block, _all(CASE_BIT))
        made = builder.select(_among(builder, block, *CAPITALS), lower, block)
        builder.store(made, _block(context, builder, signature.args[2], *arguments[2:])).align = 1
        return context.get_dummy_value()

    return signature, generate


copy_lower: Any = intrinsic(_copy_lower)
"""out[place:place + 64] = array[index:index + 64] with ASCII capitals in lower case; both have 64 bytes from there."""
