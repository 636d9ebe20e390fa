"""Keys: who may ask. A key's text is shown once; its file holds digests only, is replaced whole, and is read again when it changed."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from api.access.roles import Caller, Role
from api.errors import KeysDamaged
from pipeline.errors import UsageError, did_you_mean
from pipeline.storage.files import told

FILE_NAME = "keys.json"
KEY_TEXT = re.compile(r"wn_([0-9a-z]{10})_([A-Za-z0-9_-]{43})")
NAME = re.compile(r"[\w.@+-][\w.@+ -]{0,63}")
NOBODY = "0" * 64
"""Compared with where there is no such key, so that a missing id takes as long as a wrong secret."""
MADE = b"keys were made here\n"
"""What the lock of the file holds from the first key on."""
Stamp = tuple[int, int, int] | None


class KeyRecord(BaseModel):
    """A key as it is stored. sha256: of its whole text. Times are RFC 3339 in UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    role: Role
    sha256: str
    created_at: datetime.datetime
    expires_at: datetime.datetime | None = None
    revoked_at: datetime.datetime | None = None

    def state(self, now: datetime.datetime) -> Literal["active", "expired", "revoked"]:
        """Whether it opens anything."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    keys: tuple[KeyRecord, ...] = ()


class Keys:
    """The keys of a service's state folder; safe between threads, and beside `winnow keys` in another process.

    Once a key was made it never lets anybody in without one, even where its file is gone: the lock beside it remembers.
    """

    def __init__(self, state_folder: Path) -> None:
        self.path = state_folder / FILE_NAME
        self._lock = threading.Lock()
        self._stamp: Stamp = None
        self._keys: dict[str, KeyRecord] = {}
        self._ever = False

    def required(self) -> bool:
        """Whether a key was ever made here. KeysDamaged where the file cannot be read."""
        self._current()
        self._ever = self._ever or _has_words(self.path.with_suffix(".lock"))
        return self._ever

    def records(self) -> list[KeyRecord]:
        """All keys, those that open nothing any more too, oldest first."""
        return sorted(self._current().values(), key=lambda k: (k.created_at, k.id))

    def caller(self, text: str) -> Caller | None:
        """Whose key this text is; None where it opens nothing."""
        match = KEY_TEXT.fullmatch(text)
        record = self._current().get(match[1]) if match else None
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        fits = hmac.compare_digest(digest, record.sha256 if record else NOBODY)
        if not fits or record is None or record.state(_now()) != "active":
            return None
        return Caller(record.name, record.id, record.role)

    def create(self, name: str, role: Role, lifetime: datetime.timedelta | None = None) -> tuple[KeyRecord, str]:
        """Make a key: its record, and its text, which is nowhere else."""
        if not NAME.fullmatch(name):
            raise UsageError(f"key name {name!r}: expected 1 to 64 letters, digits, or any of . @ + - _ and spaces")
        key_id = secrets.token_hex(5)
        text = f"wn_{key_id}_{secrets.token_urlsafe(32)}"
        now = _now()
        digest = hashlib.sha256(text.encode()).hexdigest()
        made = KeyRecord(
            id=key_id,
            name=name,
            role=role,
            sha256=digest,
            created_at=now,
            expires_at=now + lifetime if lifetime else None,
        )
        with self._writing() as there:
            active = [k for k in there.values() if k.name == name and k.state(now) == "active"]
            if active:
                raise UsageError(
                    f"key name {name!r} is taken by {active[0].id}; revoke that one first, or choose another"
                )
            there[key_id] = made
        return made, text

    def revoke(self, which: str) -> KeyRecord:
        """End a key, by id or by name. It stays in the file, so that keys stay required."""
        with self._writing() as there:
            now = _now()
            found = [k for k in there.values() if which in (k.id, k.name) and k.state(now) != "revoked"]
            if not found:
                known = [n for k in there.values() for n in (k.id, k.name)]
                raise UsageError(
                    f"no key {which!r} to revoke; `winnow keys list` shows them.{did_you_mean(which, known)}"
                )
            revoked = max(found, key=lambda k: k.created_at).model_copy(update={"revoked_at": now})
            there[revoked.id] = revoked
        return revoked

    def _current(self) -> dict[str, KeyRecord]:
        with self._lock:
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._keys = _read(self.path) if stamp else {}
                self._stamp = stamp
                self._ever = self._ever or bool(self._keys)
            return self._keys

    @contextlib.contextmanager
    def _writing(self) -> Iterator[dict[str, KeyRecord]]:
        """The keys to change; what is left in them is written. One process at a time."""
        with told(str(self.path)):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            there = dict(_read(self.path)) if _stamp(self.path) else {}
            yield there
            with told(str(self.path)):
                _replace(self.path, _File(keys=tuple(there.values())).model_dump(mode="json"))
                os.pwrite(lock, MADE, 0)
        finally:
            os.close(lock)


def parse_lifetime(text: str | None) -> datetime.timedelta | None:
    """`90m`, `12h`, `30d`, `4w`; None or `never` for one that does not end. Raises UsageError."""
    if text is None or text == "never":
        return None
    match = re.fullmatch(r"(\d{1,5})([mhdw])", text)
    if not match or int(match[1]) == 0:
        raise UsageError(f"--expires {text!r}: expected a number and a unit, such as 90m, 12h, 30d or 4w, or never")
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[match[2]]
    return datetime.timedelta(**{unit: int(match[1])})


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _has_words(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _read(path: Path) -> dict[str, KeyRecord]:
    try:
        with told(str(path)):
            return {k.id: k for k in _File.model_validate_json(path.read_bytes()).keys}
    except ValidationError:  # it would quote what it found
        raise KeysDamaged(
            f"{path}: is not a file of keys, so nobody is let in. Put back a copy; or move it away and make new keys"
        ) from None


def _replace(path: Path, value: object) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
