"""Byte primitives of kernels that Python has no words for, as LLVM has them. `scorers/kernels/jit.py` hands them out."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

insert_function: Any = cgutils.get_or_insert_function


def _load64(_context: Any, array: Any, index: Any) -> Any:
    signature = types.uint64(array, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.bitcast(builder.gep(made.data, [arguments[1]]), ir.IntType(64).as_pointer())
        loaded = builder.load(pointer)
        loaded.align = 1
        return loaded

    return signature, generate


load64: Any = intrinsic(_load64)
"""u64 at byte `index` of a u8 array, unaligned, little endian. The array must have 8 readable bytes from there."""


def _prefetch(_context: Any, array: Any, index: Any) -> Any:
    signature = types.void(array, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.bitcast(builder.gep(made.data, [arguments[1]]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, word, word, word])
        function = insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [pointer, word(0), word(3), word(1)])  # to read; keep in all caches; data
        return context.get_dummy_value()

    return signature, generate


prefetch: Any = intrinsic(_prefetch)
"""Ask for the cache line of array[index]; the index may be anything, nothing is read."""


def _store64(_context: Any, array: Any, index: Any, _value: Any) -> Any:
    signature = types.void(array, index, types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.bitcast(builder.gep(made.data, [arguments[1]]), ir.IntType(64).as_pointer())
        builder.store(arguments[2], pointer, align=1)
        return context.get_dummy_value()

    return signature, generate


store64: Any = intrinsic(_store64)
"""Write a u64 at byte `index` of a u8 array, unaligned, little endian. The array must have 8 bytes from there."""


def _equal_bytes(_context: Any, array: Any, index: Any, _byte: Any) -> Any:
    signature = types.uint64(array, index, types.uint8)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(8), 64)
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        block = builder.load(builder.bitcast(builder.gep(made.data, [arguments[1]]), lanes.as_pointer()))
        block.align = 1
        one = builder.insert_element(ir.Constant(lanes, ir.Undefined), arguments[2], ir.Constant(ir.IntType(32), 0))
        places = ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64)
        every = builder.shuffle_vector(one, ir.Constant(lanes, ir.Undefined), places)
        return builder.bitcast(builder.icmp_unsigned("==", block, every), ir.IntType(64))

    return signature, generate


equal_bytes: Any = intrinsic(_equal_bytes)
"""Bit k: byte k of the 64 from `index` of a u8 array on equals `byte`. The array must have 64 bytes from there."""


def _trailing_zeros(_context: Any, _value: Any) -> Any:
    signature = types.uint64(types.uint64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return signature, generate


trailing_zeros: Any = intrinsic(_trailing_zeros)
"""Number of trailing zero bits of a non-zero u64."""


def _set_bits(_context: Any, _value: Any) -> Any:
    signature = types.uint64(types.uint64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return signature, generate


set_bits: Any = intrinsic(_set_bits)
"""Number of bits of a u64 that are set."""


def _prefetch_cell(_context: Any, array: Any, row: Any, column: Any) -> Any:
    signature = types.void(array, row, column)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        rows, columns = ir.IntType(64), ir.IntType(8).as_pointer()
        strides = [builder.extract_value(made.strides, axis) for axis in range(2)]
        at = builder.add(*(builder.mul(builder.sext(a, rows) if a.type != rows else a, s)
                           for a, s in zip(arguments[1:], strides, strict=True)))  # fmt: skip
        pointer = builder.gep(builder.bitcast(made.data, columns), [at])
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [columns, word, word, word])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [columns], kind)
        builder.call(ask, [pointer, word(0), word(3), word(1)])  # to read, into every cache, as data
        return context.get_dummy_value()

    return signature, generate


prefetch_cell: Any = intrinsic(_prefetch_cell)
"""Ask memory for the cache line of array[row, column], without waiting for it. Of a 2-dimensional array."""
