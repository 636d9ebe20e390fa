"""Indices that count from the start: kernels leave out numba's test for a negative index, which counts from the end.

That test is a comparison and a selection for every access to an array, a fifth of the rule-based measures' time.
"""

from __future__ import annotations

from typing import Any

from numba.core import ir, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.typed_passes import NopythonRewrites


def _unsigned(index: Any) -> Any:
    """The type of an index or a tuple of indices, as unsigned; others (slices, arrays) as they are."""
    if isinstance(index, types.Integer):
        return types.uintp
    if isinstance(index, types.BaseTuple) and all(isinstance(part, types.Integer) for part in index):
        return types.UniTuple(types.uintp, len(index))
    return index


# numba's decorators and base classes have no types
@register_pass(mutates_CFG=False, analysis_only=False)  # type: ignore[untyped-decorator]
class CountFromStart(FunctionPass):  # type: ignore[misc]
    """Type every index that is not a constant as unsigned. a[-1] still is the last element."""

    _name = "count_from_start"

    def __init__(self) -> None:  # numba's is abstract
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        """True where it changed a type."""
        changed = False
        for block in state.func_ir.blocks.values():
            for statement in block.body:
                access = statement.value if isinstance(statement, ir.Assign) else statement
                if not isinstance(access, ir.SetItem) and getattr(access, "op", "") != "getitem":
                    continue
                signature = state.calltypes[access]
                array, index, *rest = signature.args
                if isinstance(array, types.Array):
                    state.calltypes.pop(access)  # it takes a key once only
                    state.calltypes[access] = signature.replace(args=(array, _unsigned(index), *rest))
                    changed = True
        return changed


class KernelCompiler(CompilerBase):  # type: ignore[misc]
    """Numba's own pipeline, with CountFromStart before it is lowered."""

    def define_pipelines(self) -> list[Any]:
        """One: a kernel that does not compile without Python objects is an error."""
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.add_pass_after(CountFromStart, NopythonRewrites)
        pipeline.finalize()
        return [pipeline]
