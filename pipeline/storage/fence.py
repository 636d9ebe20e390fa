"""A fence: what keeps an attempt at a job that was given up from writing once another has taken over."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pipeline.errors import Fenced
from pipeline.storage.files import filesystem, is_remote


@dataclass(frozen=True)
class Fence:
    """Travels with a Store into workers. successor: full path or URL of the file that says a later attempt began."""

    job_id: str
    attempt: int
    successor: str

    def check(self) -> None:
        """Before each write. Raises Fenced once a later attempt holds the job."""
        remote = is_remote(self.successor)
        passed = filesystem(self.successor).exists(self.successor) if remote else os.path.exists(self.successor)
        if passed:
            raise Fenced(
                f"job {self.job_id}: attempt {self.attempt} was given up, a later one goes on; nothing is written"
            )
