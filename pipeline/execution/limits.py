"""What a machine or a container has no more of, memory and processes, in sentences."""

from __future__ import annotations

import errno


def said_of_limits(error: BaseException) -> str | None:
    """What was used up, and what to do; None where the error is another one."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, MemoryError) or number == errno.ENOMEM:
        return (
            f"memory is used up ({error or type(error).__name__}): give it more (ulimit -v, or the container's limit) or fewer --workers, "
            "then run the same command again; finished parts are kept"
        )
    wrote = "write" in str(error)  # standard output that does not wait has the same number
    if (number == errno.EAGAIN and not wrote) or (
        isinstance(error, RuntimeError) and "can't start new thread" in str(error)
    ):
        return (
            f"no further process or thread may be started ({error}): raise the limit (ulimit -u, or the container's) or give fewer "
            "--workers, then run the same command again; finished parts are kept"
        )
    return None
