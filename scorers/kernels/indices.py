"""Indices that count from the start: kernels leave out numba's test for a negative index, which counts from the end.

That test is a comparison and a selection for every access to an array, and was a sixth of the rule-based measures' time.
A kernel therefore must never compute an index below 0.
"""

from __future__ import annotations

from typing import Any

from numba.core import ir, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.ir_utils import find_const, get_definition, guard
from numba.core.typed_passes import NopythonRewrites

# numba has no annotations that mypy could use
looked_up: Any = guard
numba_types: Any = types
numba_pipelines: Any = DefaultPassBuilder
registered: Any = register_pass(mutates_CFG=False, analysis_only=False)  # type: ignore[no-untyped-call]


def _unsigned(index: Any) -> Any:
    """The type of an index or a tuple of indices, as unsigned; others (slices, arrays) as they are."""
    if isinstance(index, numba_types.Integer):
        return numba_types.uintp
    if isinstance(index, numba_types.BaseTuple) and all(isinstance(part, numba_types.Integer) for part in index):
        return numba_types.UniTuple(numba_types.uintp, len(index))
    return index


def _from_the_end(function: Any, index: Any) -> bool:
    """Whether an index, or one of a tuple of them, is a negative constant."""
    made = looked_up(get_definition, function, index)
    parts = made.items if getattr(made, "op", "") == "build_tuple" else [index]
    constants = [looked_up(find_const, function, part) for part in parts]
    return any(isinstance(c, int) and c < 0 for c in constants)


@registered
class CountFromStart(FunctionPass):
    """Type every index as unsigned, save negative constants: a[-1] and a[i, -1] still count from the end."""

    _name = "count_from_start"

    def __init__(self) -> None:  # numba's is abstract
        super().__init__()  # type: ignore[no-untyped-call]

    def run_pass(self, state: Any) -> bool:
        """True where it changed a type."""
        changed = False
        for block in state.func_ir.blocks.values():
            for statement in block.body:
                access: Any = statement.value if isinstance(statement, ir.Assign) else statement
                if not isinstance(access, ir.SetItem) and getattr(access, "op", "") != "getitem":
                    continue
                signature = state.calltypes[access]
                array, index, *rest = signature.args
                if isinstance(array, numba_types.Array) and not _from_the_end(state.func_ir, access.index):
                    state.calltypes.pop(access)  # it takes a key once only
                    state.calltypes[access] = signature.replace(args=(array, _unsigned(index), *rest))
                    changed = True
        return changed


class KernelCompiler(CompilerBase):
    """Numba's own pipeline, with CountFromStart before it is lowered."""

    def define_pipelines(self) -> list[Any]:
        """One: a kernel that does not compile without Python objects is an error."""
        pipeline = numba_pipelines.define_nopython_pipeline(self.state)
        pipeline.add_pass_after(CountFromStart, NopythonRewrites)
        pipeline.finalize()
        return [pipeline]
