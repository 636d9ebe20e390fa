"""The one way a kernel is compiled, and the byte primitives that kernels are made of."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from scorers.kernels.indices import KernelCompiler

insert_function: Any = cgutils.get_or_insert_function
numba_config: Any = config  # its settings are made at run time, from the environment

P = ParamSpec("P")
R = TypeVar("R")

FOLDER = Path(__file__).parent
IMPORT = re.compile(r"^from scorers\.kernels\.(\w+) import", re.MULTILINE)


def _cached(function: Callable[P, R], options: dict[str, Any]) -> Callable[P, R]:
    """njit with a cache on disk that is keyed by the function's file and every kernel file it imports from. Numba looks
    at the function's own file only, so that a change in another would leave yesterday's machine code in use."""
    package, _, module = function.__module__.rpartition(".")
    # of a kernel elsewhere numba watches the file itself, and we what compiles it
    watched = module if package == "scorers.kernels" else "jit"
    numba_config.CACHE_DIR = str(_cache_home() / f"kernels-{_digest(watched)}")
    try:
        compiled: Callable[P, R] = njit(
            cache=True, nogil=True, boundscheck=False, error_model="numpy", pipeline_class=KernelCompiler, **options
        )(function)
    finally:
        numba_config.CACHE_DIR = ""
    return compiled


def is_compiled(module: str) -> bool:
    """Whether any kernel of a module has been compiled from the present sources on this machine."""
    return (_cache_home() / f"kernels-{_digest(module)}").is_dir()


@cache
def _cache_home() -> Path:
    beside = FOLDER / "__pycache__"
    writable = os.access(beside if beside.exists() else FOLDER, os.W_OK)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "winnow"
    return Path(os.environ.get("NUMBA_CACHE_DIR") or (beside if writable else home))


@cache
def _digest(module: str) -> str:
    """Of the sources that a module's machine code is made of: its own, and those it imports from, and so on."""
    seen: dict[str, str] = {}
    waiting = [module, "jit"]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen[name] = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
            waiting += IMPORT.findall(seen[name])
    return hashlib.sha256("".join(seen[n] for n in sorted(seen)).encode()).hexdigest()[:16]


KERNELS: dict[str, Callable[..., Any]] = {}
"""Every kernel by 'module.function', so that a test can hold each to an oracle."""


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile on first call and cache on disk. Releases the GIL; no fastmath, no parallel (the executor owns the cores)."""
    compiled = _cached(function, {})
    KERNELS[f"{function.__module__.rsplit('.', 1)[-1]}.{function.__name__}"] = compiled
    return compiled


def inline(function: Callable[P, R]) -> Callable[P, R]:
    """A piece of a kernel, inlined into it; not a kernel of its own."""
    compiled: Callable[P, R] = njit(inline="always", error_model="numpy")(function)
    return compiled


def step(function: Callable[P, R]) -> Callable[P, R]:
    """A piece of a kernel that stays a function: for what is large, or called from many places."""
    return _cached(function, {})


def leaf(function: Callable[P, R]) -> Callable[P, R]:
    """A step that allocates nothing. A step counts references (two atomic operations for each array argument of each
    call), which made a chunk of English three times as slow."""
    return _cached(function, {"_nrt": False})


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
