"""Programs that outlive their end."""

from benchmarks.hostile.program import programs

LIVES = programs("""
    #: signals the parent
    import os, signal
    for process in (PARENT, os.getppid(), 1):
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            try:
                os.kill(process, number)
            except OSError:
                pass
    #: signals everybody
    import os, signal
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGKILL):
        for target in (-1, 0, -PARENT):
            try:
                os.kill(target, number)
            except OSError:
                pass
    #: a daemon that outlives
    import os, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(256):
                try:
                    os.close(number)
                except OSError:
                    pass
            time.sleep(600)
        os._exit(0)
    #: a deaf daemon with another program
    import os
    try:
        os.setsid()
    finally:
        os.execve("/bin/sh", ["sh", "-c", "trap '' TERM HUP INT; while :; do sleep 1; done"], {})
    #: a thread that outlives
    import threading, time
    threading.Thread(target=time.sleep, args=(600,)).start()
    #: a daemon thread that outlives
    import threading, time
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    #: an exit handler that never ends
    import atexit, time
    atexit.register(time.sleep, 600)
    #: writes the memory of the first process
    import os
    try:
        with open("/proc/1/mem", "r+b", 0):
            if "Seccomp:\t2" not in open("/proc/1/status").read():
                print("BREACH")
    except OSError:
        pass
    #: outlives the first process by a vfork
    import ctypes, os, time
    libc = ctypes.CDLL(None)
    for _ in range(3):
        if libc.syscall(56 if os.uname().machine == "x86_64" else 220, 0x8000 | 17, 0, 0, 0, 0) == 0:
            os.setsid()
            time.sleep(600)
    #: lives on without the signal of its parent's end
    import ctypes, os, time
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    time.sleep(600)
""")
