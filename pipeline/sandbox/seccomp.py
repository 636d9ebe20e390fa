"""seccomp: a Linux process gives up, for good, the system calls that a query never needs: sockets, programs, processes.

A classic BPF program over the call's number; a refused call fails with EPERM. It covers all threads of the process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

PR_SET_NO_NEW_PRIVS = 38
SET_MODE_FILTER, ALL_THREADS = 1, 1
LOAD, EQUAL, ANY_BIT, AT_LEAST, RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000, 0x80000000
CLONE_THREAD = 0x00010000
X32_CALLS = 0x40000000

MACHINES = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}
"""Machine -> (its name for the filter, number of the call `seccomp`)."""
CLONE = {"x86_64": (56, 435), "aarch64": (220, 435)}
"""Machine -> (clone, clone3): threads are made with them, processes too."""
OPEN = {"x86_64": ((2, 24), (257, 32)), "aarch64": ((56, 32),)}
"""Machine -> (number, place of its flags) of open and openat."""
OPENAT2 = 437
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
REFUSED = {
    "x86_64": {
        "socket": 41, "connect": 42, "sendto": 44, "socketpair": 53, "fork": 57, "vfork": 58, "execve": 59, "kill": 62, "truncate": 76,
        "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87, "symlink": 88, "chmod": 90, "chown": 92,
        "ptrace": 101, "mount": 165, "add_key": 248, "request_key": 249, "keyctl": 250, "mkdirat": 258, "unlinkat": 263, "renameat": 264,
        "linkat": 265, "symlinkat": 266, "fchmodat": 268, "unshare": 272, "perf_event_open": 298, "open_by_handle_at": 304, "setns": 308,
        "process_vm_readv": 310, "process_vm_writev": 311, "renameat2": 316, "memfd_create": 319, "bpf": 321, "execveat": 322,
        "userfaultfd": 323, "io_uring_setup": 425, "pidfd_open": 434, "pidfd_getfd": 438,
    },
    "aarch64": {
        "symlinkat": 36, "linkat": 37, "mkdirat": 34, "unlinkat": 35, "renameat": 38, "mount": 40, "truncate": 45, "fchmodat": 53,
        "unshare": 97, "ptrace": 117, "kill": 129, "socket": 198, "socketpair": 199, "connect": 203, "sendto": 206, "add_key": 217,
        "request_key": 218, "keyctl": 219, "execve": 221, "perf_event_open": 241, "open_by_handle_at": 265, "setns": 268,
        "process_vm_readv": 270, "process_vm_writev": 271, "renameat2": 276, "memfd_create": 279, "bpf": 280, "execveat": 281,
        "userfaultfd": 282, "io_uring_setup": 425, "pidfd_open": 434, "pidfd_getfd": 438,
    },
}  # fmt: skip


def restrict() -> bool:
    """Give up those calls, in all threads. False: not this kernel or machine."""
    machine = platform.machine()
    if platform.system() != "Linux" or machine not in MACHINES:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    steps = _program(machine)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HxxxxxxP", len(steps), ctypes.addressof(code))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    call = MACHINES[machine][1]
    return bool(libc.syscall(call, ctypes.c_uint(SET_MODE_FILTER), ctypes.c_uint(ALL_THREADS), program) == 0)


def _program(machine: str) -> list[tuple[int, int, int, int]]:
    """(operation, steps to skip if so, if not, operand); struct seccomp_data has the number at 0, the machine at 4, arguments from 16."""
    clone, clone3 = CLONE[machine]
    steps = [
        (LOAD, 0, 0, 4), (EQUAL, 1, 0, MACHINES[machine][0]), (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0), (AT_LEAST, 0, 1, X32_CALLS), (RETURN, 0, 0, FAIL | errno.EPERM),
        # what points to its flags cannot be looked at; libc falls back to what cannot hide them
        (EQUAL, 0, 1, clone3), (RETURN, 0, 0, FAIL | errno.ENOSYS), (EQUAL, 0, 1, OPENAT2), (RETURN, 0, 0, FAIL | errno.ENOSYS),
    ]  # fmt: skip
    for number in REFUSED[machine].values():
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, FAIL | errno.EPERM)]
    steps += [(EQUAL, 0, 4, clone), (LOAD, 0, 0, 16), (ANY_BIT, 1, 0, CLONE_THREAD), (RETURN, 0, 0, FAIL | errno.EPERM)]
    steps += [(RETURN, 0, 0, ALLOW)]
    for number, flags_at in OPEN[machine]:
        steps += [
            (EQUAL, 0, 4, number),
            (LOAD, 0, 0, flags_at),
            (ANY_BIT, 0, 1, WRITING),
            (RETURN, 0, 0, FAIL | errno.EPERM),
        ]
        steps += [(RETURN, 0, 0, ALLOW)]
    return [*steps, (RETURN, 0, 0, ALLOW)]
