"""Who changed or asked what, one line each, in the state folder. It holds no secret and no text of a corpus."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

from api.observe.redact import redacted_value
from pipeline.job import now

FILE_NAME = "audit.jsonl"
ROTATE_BYTES = 64 << 20
"""Above it the file becomes `audit.jsonl.1`, in place of the one before."""


class Audit:
    """Appends to the audit log; safe between threads."""

    def __init__(self, state_folder: Path) -> None:
        self.path = state_folder / FILE_NAME
        self._lock = threading.Lock()

    def note(self, action: str, caller: str, **fields: Any) -> None:
        """One line: when, who (the key's id), what."""
        line = {"at": now(), "action": action, "caller": caller, **{k: redacted_value(k, v) for k, v in fields.items()}}
        text = json.dumps(line, ensure_ascii=False, default=str) + "\n"
        with self._lock:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, text.encode("utf-8", "backslashreplace"))
                full = os.fstat(descriptor).st_size > ROTATE_BYTES
            finally:
                os.close(descriptor)
            if full:
                os.replace(self.path, self.path.with_name(f"{FILE_NAME}.1"))
