"""Runs trusted tests against a solution in another process, and proves that they came to their end."""

import os
from _blake2 import blake2b
from typing import NoReturn

from program import finish
from remote import Solution
from start import Job, classes_of, main_module, traceback_of, with_source


def run(job: Job) -> None:
    def fatal(end: str, detail: str) -> NoReturn:
        job.report(f"solution {end}: {detail}")
        job.control.recv(1)
        os._exit(1)

    key = job.key
    work, names = job.work, main_module().__dict__
    try:
        exec(with_source(work["setup"], "<setup>"), names)
        names.update(Solution(job.peer, fatal, classes_of(names)).names(work["names"]))
        code = with_source(work["tests"], "<tests>")
        finish(job.control.sendall, blake2b(key=key()), exec(code, names))  # type: ignore[func-returns-value]
    except BaseException as error:
        traceback_of(error, 1)
        job.report_exception(error)
    job.control.recv(1)
    os._exit(1)


if __name__ == "__main__":
    run(Job())
