"""What a worker asks of the system: to die with its parent, and not to grow too large."""

import ctypes
import os
import resource
import signal
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> bool:
    """Have this process killed when the thread that started it ends; whether it is in time.

    SIGKILL reaches a process also while it is stopped. The parent may have ended before this
    call, so that nobody is left to send the signal; then the answer is False.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return os.getppid() == parent


def is_stopped(pid: int) -> bool:
    """Whether the process stands still, by SIGSTOP or a debugger."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state in ("T", "t")


def limit_memory(max_bytes: int) -> None:
    """Refuse this process more private memory than this; mapped files do not count."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = max_bytes if hard == resource.RLIM_INFINITY else min(max_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
