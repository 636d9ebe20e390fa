"""Landlock: a Linux process gives up, for good, every file but those it names, and every TCP port. No privilege needed.

Of the kernel's documentation, userspace-api/landlock; system calls by number, because libc has no names for them.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG = 1
RULE_PATH_BENEATH = 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
FS_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""ABI -> how many rights over files it knows: bits 0 and up."""
TCP_BIND_AND_CONNECT = 0b11
SIGNALS_AND_ABSTRACT_SOCKETS = 0b11
PR_SET_NO_NEW_PRIVS = 38


def supported() -> int:
    """The kernel's Landlock ABI; 0 where there is none."""
    return max(0, int(_libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION_FLAG))))


def restrict(readable: Iterable[str]) -> bool:
    """Leave to this thread, and those it makes, reading of these files and folders; nothing else. False: no Landlock here.

    Raises OSError where a file is not there or the kernel refuses.
    """
    abi = supported()
    if not abi:
        return False
    libc = _libc()
    files = (1 << FS_RIGHTS[max(a for a in FS_RIGHTS if a <= abi)]) - 1
    fields = [files, TCP_BIND_AND_CONNECT if abi >= 4 else 0, SIGNALS_AND_ABSTRACT_SOCKETS if abi >= 6 else 0]
    attributes = struct.pack("=3Q", *fields)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    ruleset = _done(libc.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)))
    try:
        for path in readable:
            _allow_reading(libc, ruleset, path)
        _done(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _done(libc.syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
    return True


def _allow_reading(libc: ctypes.CDLL, ruleset: int, path: str) -> None:
    beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = READ_FILE | (READ_DIR if os.path.isdir(path) else 0)
        rule = struct.pack("=Qi", rights, beneath)
        _done(libc.syscall(ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(RULE_PATH_BENEATH), rule, ctypes.c_uint32(0)))
    finally:
        os.close(beneath)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _done(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
