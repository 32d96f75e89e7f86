"""The processes of a run end together: when one is lost, the others say so and go."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

# How long a process that fails by itself has to say why, and how often the others look, seconds.
_GRACE, _PERIOD = 3.0, 0.5
# What gloo, NCCL and their store say of a process that is gone.
_LOST = (
    "closed by peer",
    "Connection reset",
    "Broken pipe",
    "remote process exited",
    "ncclRemoteError",
    "recvValue failed",
)


def is_lost_peer(error: BaseException) -> bool:
    """Whether a collective failed because another process of the run is gone."""
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _LOST)


def abort_on_peer_failure(resume_command: Callable[[], str]) -> None:
    """Watch the processes that Lightning starts on this machine, and in those the one that started them.

    A collective that waits for a lost process may wait for hours, or fail with a traceback that says little, and
    Lightning's own observer ends the rest without a word. Under torchrun and SLURM ending the others is theirs.

    Args:
        resume_command: the command that resumes from the last checkpoint
    """
    if "LOCAL_RANK" in os.environ:
        threading.Thread(
            target=_watch_parent, args=(os.getppid(), resume_command), daemon=True, name="watch-parent"
        ).start()
    from lightning.pytorch.strategies.launchers import subprocess_script

    def watch(child_processes: list[subprocess.Popen]) -> None:
        threading.Thread(
            target=_watch_children, args=(child_processes, resume_command), daemon=True, name="watch-children"
        ).start()

    subprocess_script._launch_process_observer = watch


def _watch_parent(parent: int, resume_command: Callable[[], str]) -> None:
    while os.getppid() == parent:
        time.sleep(_PERIOD)
    if os.environ["LOCAL_RANK"] == "1":  # one of them tells
        why = "the process that started this run's others is gone, as the system ends one where memory runs out"
        os.write(2, f"\nemlit: error: {why}; all others end; resume with: {resume_command()}\n".encode())
    os._exit(1)


def _watch_children(children: Sequence[subprocess.Popen], resume_command: Callable[[], str]) -> None:
    while not any(child.poll() for child in children):
        if all(child.returncode == 0 for child in children):
            return
        time.sleep(_PERIOD)
    rank = next(rank for rank, child in enumerate(children, 1) if child.returncode)
    if children[rank - 1].returncode > 0:  # by its own decision: it may be this one's, too
        time.sleep(_GRACE)
    os.write(2, f"\nemlit: error: {_sentence(rank, len(children) + 1, children[rank - 1].returncode)}".encode())
    os.write(2, f"; all others were ended; resume with: {resume_command()}\n".encode())
    for child in children:
        child.kill()
    os._exit(1)


def _sentence(rank: int, processes: int, status: int) -> str:
    who = f"process {rank} of 0 to {processes - 1}"
    if status > 0:
        return f"{who} ended with status {status}; what it said stands above"
    name = signal.Signals(-status).name
    why = ", as the system does where memory runs out" if name == "SIGKILL" else ""
    return f"{who} was ended by {name}{why}"
