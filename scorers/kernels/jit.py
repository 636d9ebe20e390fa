"""The one way a kernel is compiled, and the byte primitives that kernels are made of."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import re
import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

FOLDER = Path(__file__).parent
INTRINSICS = ("intrinsics", "ascii_blocks")
"""Modules of what LLVM has and Python has no words for."""
BLOCK = 64
"""Bytes of text that those of ascii_blocks look at at a time."""
IMPORT = re.compile(r"^ *from scorers\.kernels\.(\w+) import", re.MULTILINE)
MAKING = threading.RLock()
"""Where the cache lies is a setting of the whole process while numba makes a dispatcher."""


class Deferred(Generic[P, R]):
    """What numba makes of a function, made when it is first called or compiled into another.

    Importing numba and making a dispatcher for each of some two hundred functions takes a quarter of a second of every process,
    and a command that measures nothing, or leaves it to workers, needs none of them.
    """

    def __init__(self, function: Callable[P, R], make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = self.made(*args, **kwargs)
        return result

    @property
    def made(self) -> Any:
        """Numba's dispatcher, or its intrinsic."""
        if self._made is None:
            with MAKING:
                if self._made is None:
                    self._made = self._make()
        return self._made

    @property
    def _numba_type_(self) -> Any:
        """What numba asks of a global that a kernel calls."""
        from numba.core.registry import cpu_target

        return cpu_target.typing_context.resolve_value_type(self.made)

    @property
    def targetoptions(self) -> dict[str, Any]:
        """What numba asks to know whether to put the function's code in place of the call."""
        options: dict[str, Any] = getattr(self.made, "targetoptions", {})
        return options

    @property
    def py_func(self) -> Callable[P, R]:
        """What it then puts there."""
        function: Callable[P, R] = self.made.py_func
        return function


def _cached(function: Callable[P, R], options: dict[str, Any]) -> Deferred[P, R]:
    """njit with a cache on disk that is keyed by the function's file and every kernel file it imports from. Numba looks
    at the function's own file only, so that a change in another would leave yesterday's machine code in use."""

    def make() -> Any:
        import numba

        from scorers.kernels.indices import KernelCompiler
        from scorers.kernels.machine_code import machine_code

        for name in INTRINSICS:  # numba looks for new ones before it compiles, not while it does
            import_module(f"scorers.kernels.{name}")
        settings: Any = numba.config  # its settings are made at run time, from the environment
        package, _, module = function.__module__.rpartition(".")
        # of a kernel elsewhere numba watches the file itself, and we what compiles it
        watched = module if package == "scorers.kernels" else "jit"
        settings.CACHE_DIR = str(_writable(cache_home()) / f"kernels-{_digest(watched)}")
        try:
            compiled: Any = numba.njit(
                nogil=True, boundscheck=False, error_model="numpy", pipeline_class=KernelCompiler, **options
            )(function)
            compiled._cache = machine_code(function)  # as njit's own `cache=True` sets one
            return compiled
        finally:
            settings.CACHE_DIR = ""

    return Deferred(function, make)


def _intrinsic(module: str, name: str) -> Any:
    def make() -> Any:
        return getattr(import_module(f"scorers.kernels.{module}"), name)

    return Deferred(make, make)


def is_compiled(module: str) -> bool:
    """Whether any kernel of a module has been compiled from the present sources on this machine."""
    return (cache_home() / f"kernels-{_digest(module)}").is_dir()


@cache
def cache_home() -> Path:
    """Where compiled kernels are kept: beside their sources, or with what is this user's own."""
    beside = FOLDER / "__pycache__"
    writable = os.access(beside if beside.exists() else FOLDER, os.W_OK)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "winnow"
    return Path(os.environ.get("NUMBA_CACHE_DIR") or (beside if writable else home))


def _writable(folder: Path) -> Path:
    with contextlib.suppress(OSError):  # told below
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        said = "compiled kernels cannot be kept here (set NUMBA_CACHE_DIR to a folder that you may write)"
        raise PermissionError(errno.EACCES, said, str(folder))
    return folder


@cache
def _digest(module: str) -> str:
    """Of the sources that a module's machine code is made of: its own, and those it imports from, and so on."""
    seen: dict[str, str] = {}
    waiting = [module, "jit", *INTRINSICS]
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

    def make() -> Any:
        import numba

        return numba.njit(inline="always", error_model="numpy")(function)

    return Deferred(function, make)


def step(function: Callable[P, R]) -> Callable[P, R]:
    """A piece of a kernel that stays a function: for what is large, or called from many places."""
    return _cached(function, {})


def leaf(function: Callable[P, R]) -> Callable[P, R]:
    """A step that allocates nothing. A step counts references (two atomic operations for each array argument of each
    call), which made a chunk of English three times as slow."""
    return _cached(function, {"_nrt": False})


load64: Any = _intrinsic("intrinsics", "load64")
prefetch: Any = _intrinsic("intrinsics", "prefetch")
prefetch_cell: Any = _intrinsic("intrinsics", "prefetch_cell")
store64: Any = _intrinsic("intrinsics", "store64")
equal_bytes: Any = _intrinsic("intrinsics", "equal_bytes")
trailing_zeros: Any = _intrinsic("intrinsics", "trailing_zeros")
set_bits: Any = _intrinsic("intrinsics", "set_bits")
whitespace: Any = _intrinsic("ascii_blocks", "whitespace")
not_ascii: Any = _intrinsic("ascii_blocks", "not_ascii")
word_bytes: Any = _intrinsic("ascii_blocks", "word_bytes")
copy_lower: Any = _intrinsic("ascii_blocks", "copy_lower")
"""What each does stands in the module that is named."""

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
