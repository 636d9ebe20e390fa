"""The one way a kernel is compiled, and the byte primitives that kernels are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

P = ParamSpec("P")
R = TypeVar("R")

KERNELS: dict[str, Callable[..., Any]] = {}
"""Every kernel by 'module.function', so that a test can hold each to an oracle."""


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile on first call and cache on disk. Releases the GIL; no fastmath, no parallel (the executor owns the cores)."""
    compiled: Callable[P, R] = njit(nogil=True, cache=True, boundscheck=False, error_model="numpy")(function)
    KERNELS[f"{function.__module__.rsplit('.', 1)[-1]}.{function.__name__}"] = compiled
    return compiled


def inline(function: Callable[P, R]) -> Callable[P, R]:
    """A piece of a kernel, inlined into it; not a kernel of its own."""
    compiled: Callable[P, R] = njit(inline="always", error_model="numpy")(function)
    return compiled


def step(function: Callable[P, R]) -> Callable[P, R]:
    """A piece of a kernel that stays a function: for what is large, or called from many places."""
    compiled: Callable[P, R] = njit(nogil=True, cache=True, boundscheck=False, error_model="numpy")(function)
    return compiled


@intrinsic
def load64(_context: Any, array: Any, index: Any) -> Any:
    """u64 at byte `index` of a u8 array, unaligned, little endian. The array must have 8 readable bytes from there."""
    signature = types.uint64(array, index)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.bitcast(builder.gep(made.data, [arguments[1]]), ir.IntType(64).as_pointer())
        loaded = builder.load(pointer)
        loaded.align = 1
        return loaded

    return signature, generate


@intrinsic
def trailing_zeros(_context: Any, value: Any) -> Any:
    """Number of trailing zero bits of a non-zero u64."""
    signature = types.uint64(types.uint64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return signature, generate


MIX_1 = np.uint64(0x9E3779B97F4A7C15)
MIX_2 = np.uint64(0xBF58476D1CE4E5B9)
MIX_3 = np.uint64(0x94D049BB133111EB)


@inline
def mix(x: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: a bijection of u64 whose every output bit depends on every input bit."""
    x ^= x >> np.uint64(30)
    x *= MIX_2
    x ^= x >> np.uint64(27)
    x *= MIX_3
    x ^= x >> np.uint64(31)
    return x


@inline
def hash_bytes(data: Any, start: int, length: int) -> np.uint64:
    """64-bit hash of data[start:start+length], eight bytes at a time; reads up to 7 bytes past the end."""
    h = np.uint64(length) * MIX_1
    i = start
    left = length
    while left >= 8:
        h = (h ^ load64(data, i)) * MIX_2
        h ^= h >> np.uint64(32)
        i += 8
        left -= 8
    if left > 0:
        tail = load64(data, i) & (np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - 8 * left))
        h = (h ^ tail) * MIX_3
        h ^= h >> np.uint64(32)
    return mix(h)
