"""Programs that take more than their share."""

from benchmarks.hostile.program import programs

RESOURCES = programs("""
    #: fork bomb
    import os
    while True:
        try:
            os.fork()
        except OSError:
            pass
    #: a process of its own, by every call
    import ctypes, multiprocessing, os, pty, struct, subprocess
    libc = ctypes.CDLL(None)
    x86 = os.uname().machine == "x86_64"
    clone, flags = (56, 220)[not x86], [17, 0x100 | 17, 0x400 | 17, 0x8000 | 17, 0x10000, 0x10000000 | 17]
    raw = [(clone, each, 0, 0, 0, 0) for each in flags]
    raw += [(435, struct.pack("8Q", 0, 0, 0, 0, 17, 0, 0, 0), 64), *([(57,), (58,), (0x40000039,)] if x86 else [])]
    for arguments in raw:
        made = libc.syscall(*arguments)
        if made >= 0:
            os.write(1, b"BREACH %r" % (arguments,))
            made or os._exit(0)
    calls = [os.fork, os.forkpty, lambda: subprocess.run(["true"]), lambda: pty.fork(), multiprocessing.Process().start]
    for call in [*calls, lambda: os.posix_spawn("/bin/true", ["true"], {}), lambda: os.system("true") and 1 / 0]:
        try:
            call()
            print("BREACH")
        except (OSError, ZeroDivisionError):
            pass
    #: fork bomb of the shell
    import os
    os.system(":(){ :|:& };:; sleep 60")
    #: thread bomb
    import threading, time
    while True:
        try:
            threading.Thread(target=time.sleep, args=(60,)).start()
        except RuntimeError:
            pass
    #: endless loop
    while True:
        pass
    #: deaf to every signal
    import signal, time
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        time.sleep(1)
    #: sleeps for ever
    import time
    time.sleep(10**6)
    #: waits for a pipe that nobody writes to
    import os
    os.read(os.pipe()[0], 1)
    #: one call into C that never ends
    10 ** (10 ** 10)
    #: a regular expression that never ends
    import re
    re.match("(a+)+$", "a" * 60 + "b")
    #: memory hog
    hog = []
    while True:
        hog.append(bytearray(10**7))
    #: memory hog that goes on after MemoryError
    hog = []
    while True:
        try:
            hog.append(b"x" * 10**6)
        except MemoryError:
            pass
    #: memory hog by shared mappings
    import mmap
    hog = []
    while True:
        hog.append(mmap.mmap(-1, 2**24))
        hog[-1].write(b"x" * 2**24)
    #: memory hog by memfd
    import os
    while True:
        file = os.memfd_create("hog")
        os.write(file, b"x" * 2**24)
    #: output flood
    while True:
        print("x" * 10**6)
    #: output flood on both, past Python
    import os
    while True:
        os.write(1, b"x" * 65536)
        os.write(2, b"x" * 65536)
    #: one giant file
    with open("giant", "wb") as file:
        while True:
            file.write(b"x" * 2**20)
    #: many large files
    number = 0
    while True:
        number += 1
        with open(str(number), "wb") as file:
            file.write(b"x" * 2**20)
    #: very many small files
    number = 0
    while True:
        number += 1
        open(str(number), "wb").close()
    #: folders in folders
    import os
    while True:
        os.mkdir("d")
        os.chdir("d")
    #: hog of open files
    import os
    while True:
        os.dup(1)
    #: recursion without bound
    import sys
    sys.setrecursionlimit(10**9)
    def down():
        down()
    down()
    #: writes to address 0
    import ctypes
    ctypes.memset(0, 1, 1)
    #: raises its own limits
    import resource
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_NPROC):
        try:
            resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print("BREACH")
        except (ValueError, OSError):
            pass
    while True:
        pass
    #: takes a higher priority
    import os
    try:
        os.nice(-10)
        print("BREACH")
    except OSError:
        pass
""")
