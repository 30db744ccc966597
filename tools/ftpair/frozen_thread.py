# SPDX-License-Identifier: GPL-2.0-or-later
"""One thread of a process stands still while the others go on: stopped by ptrace(2), as a debugger does it."""

import ctypes
import os
import time
from pathlib import Path

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000
PPOLL = 271                     # its number on x86_64
TRIES = 1000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


class FrozenThread:
    """From here until thaw(), to be called by the same thread of ours. The main loop's thread has the process' own id."""

    def __init__(self, thread_id):
        self._thread = thread_id
        self._trace(PTRACE_SEIZE)
        self._trace(PTRACE_INTERRUPT)
        os.waitpid(thread_id, WALL)

    def thaw(self):
        self._trace(PTRACE_DETACH)

    def _trace(self, request):
        if _libc.ptrace(request, self._thread, None, None) < 0:
            raise OSError(ctypes.get_errno(), f"ptrace({request:#x}, {self._thread}): {os.strerror(ctypes.get_errno())}")


def main_loop(node):
    """Stopped while it waits for its descriptors, so without a lock: with one, the vCPU thread would stand still as well."""
    for _ in range(TRIES):
        thread = FrozenThread(node.pid)
        if _system_call(node.pid) == PPOLL:
            return thread
        thread.thaw()
        time.sleep(0.002)
    raise OSError(f"the main loop of {node.name} was not seen in ppoll() once in {TRIES} times")


def _system_call(thread_id):
    """Its number; -1 for a thread that is in none, or was stopped on its way out of one."""
    return int(Path(f"/proc/{thread_id}/syscall").read_text().split()[0])


def vcpu(node):
    return FrozenThread(node.qmp.command("query-cpus-fast")[0]["thread-id"])
