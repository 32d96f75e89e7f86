"""Programs that no sandbox should suffer from, by what they try.

Each is run behind a preamble that names the parent's process, a secret file of it, a folder that anyone may write, a
port that it listens on, an environment variable of it and the name to give to files; and that defines a wrong `answer`.
What must not be possible prints BREACH where it is. A fake tries to pass for right; early ones do so without coming to
their last line.
"""

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True)
class Hostile:
    """One program: what it tries, and its text."""

    name: str
    text: str
    fake: bool = False
    early: bool = False


def preamble(**names: str | int) -> str:
    lines = [f"{name} = {value!r}" for name, value in names.items()]
    return "\n".join([*lines, "def answer(n):\n    return n\n"])


def _programs(text: str, *, fake: bool = False, early: bool = False) -> list[Hostile]:
    """Programs out of one text, each under a line `# name`."""
    parts = [part.partition("\n") for part in dedent(text).split("#: ")[1:]]
    return [Hostile(name.strip(), body, fake, early) for name, _, body in parts]


RESOURCES = _programs("""
    #: fork bomb
    import os
    while True:
        try:
            os.fork()
        except OSError:
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
    #: endless loop in many processes
    import os
    for _ in range(6):
        os.fork()
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
    #: memory hog in many children
    import os, time
    for _ in range(20):
        if os.fork() == 0:
            hog = b"x" * (100 * 2**20)
            time.sleep(60)
    time.sleep(60)
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

FILES = _programs("""
    #: writes outside
    import os, sys
    folders = ["/", "/etc", "/usr", "/usr/lib", "/var/tmp", "/run", "/dev/shm", "/root", "/home", "/emlit", "/proc"]
    for folder in [*folders, OUTSIDE, os.path.dirname(FILE), sys.prefix, os.path.dirname(os.__file__), *sys.path]:
        try:
            with open(os.path.join(folder, NAME), "w") as file:
                file.write("x")
            print("BREACH", folder)
        except OSError:
            pass
    #: changes the interpreter's library
    import json, os
    for path in (os.__file__, json.__file__, os.path.realpath("/proc/self/exe")):
        try:
            open(path, "ab").close()
            print("BREACH", path)
        except OSError:
            pass
    #: deletes what the parent has
    import os, shutil
    shutil.rmtree(OUTSIDE, ignore_errors=True)
    try:
        os.unlink(FILE)
        print("BREACH")
    except OSError:
        pass
    #: writes through a link
    import os
    os.symlink(OUTSIDE, "link")
    try:
        with open("link/" + NAME, "w") as file:
            file.write("x")
        print("BREACH")
    except OSError:
        pass
    #: writes through /proc
    import glob
    for root in glob.glob("/proc/[0-9]*/root") + glob.glob("/proc/[0-9]*/cwd"):
        try:
            with open(root + OUTSIDE + "/" + NAME, "w") as file:
                file.write("x")
            print("BREACH", root)
        except OSError:
            pass
    #: mounts again, writable
    import ctypes
    libc = ctypes.CDLL(None)
    for folder in (b"/", b"/usr", b"/proc", b"/dev"):
        if libc.mount(None, folder, None, 32, None) == 0:
            print("BREACH", folder)
    #: a user namespace of its own
    import ctypes, os
    libc = ctypes.CDLL(None)
    if libc.unshare(0x10000000 | 0x00020000) == 0:
        libc.mount(None, b"/", None, 32 | 4096, None)
        for folder in ("/", "/usr", "/etc", OUTSIDE):
            try:
                open(folder + "/" + NAME, "w").close()
                print("BREACH", folder)
            except OSError:
                pass
    #: leaves by chroot
    import os
    try:
        os.mkdir("new")
        os.chroot("new")
        for _ in range(20):
            os.chdir("..")
        os.chroot(".")
        print("BREACH")
    except OSError:
        pass
    #: makes a device
    import os, stat
    try:
        os.mknod("disk", stat.S_IFBLK | 0o666, os.makedev(254, 0))
        print("BREACH")
    except OSError:
        pass
    #: reads the disk and the memory
    import glob
    for path in glob.glob("/dev/[svh]d*") + glob.glob("/dev/nvme*") + ["/dev/mem", "/dev/kmem", "/proc/kcore"]:
        try:
            with open(path, "rb") as file:
                print("BREACH" if file.read(1) else "", path)
        except OSError:
            pass
    #: becomes root
    import os
    try:
        os.setuid(0)
        print("BREACH")
    except OSError:
        pass
    print("BREACH" if os.geteuid() == 0 else "")
    os.system("sudo -n true && echo BREACH; su -c 'echo BREACH' < /dev/null")
""")

SECRETS = _programs("""
    #: reads the parent's file
    import os
    for path in (FILE, "/proc/self/root" + FILE, "/proc/1/root" + FILE, f"/proc/{PARENT}/root" + FILE):
        try:
            print(open(path).read())
        except OSError:
            pass
    #: reads the parent's environment
    import glob, os
    print(os.environ.get(VARIABLE))
    for path in glob.glob("/proc/[0-9]*/environ") + [f"/proc/{PARENT}/environ"]:
        try:
            print(open(path, "rb").read())
        except OSError:
            pass
    #: reads the parent's memory
    import ctypes
    libc = ctypes.CDLL(None)
    print("BREACH" if libc.ptrace(16, PARENT, 0, 0) == 0 else "")
    try:
        print("BREACH", open(f"/proc/{PARENT}/mem", "rb"))
    except OSError:
        pass
    #: reads the machine's secrets
    import glob
    paths = ["/etc/shadow", "/root/.bashrc", "/root/.gitconfig", "/root/.netrc", *glob.glob("/home/*/.*")]
    for path in paths + glob.glob("/root/.ssh/*"):
        try:
            print("BREACH" if open(path, "rb").read() else "", path)
        except OSError:
            pass
    #: reads what it inherited
    import os
    for number in range(3, 256):
        try:
            print(number, os.readlink(f"/proc/self/fd/{number}"))
            os.set_blocking(number, False)
            print(os.read(number, 10**6))
        except OSError:
            pass
    #: looks at the parent's processes
    import os
    try:
        print("BREACH", os.listdir(f"/proc/{PARENT}/task") and open(f"/proc/{PARENT}/cmdline").read())
    except OSError:
        pass
    #: connects to the parent
    import socket
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for address in ("127.0.0.1", "localhost", "0.0.0.0"):
            try:
                with socket.socket(socket.AF_INET, kind) as line:
                    line.settimeout(0.3)
                    line.connect((address, PORT))
                    line.send(b"x")
                    print("sent")
            except OSError:
                pass
    #: connects to an abstract socket of the parent
    import socket
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(chr(0) + NAME)
            print("BREACH")
    except OSError:
        pass
    #: connects to the network
    import socket
    for address in (("192.0.2.1", 80), ("198.51.100.1", 443)):
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                line.connect(address)
                print("BREACH")
        except OSError:
            pass
    #: reads packets
    import socket
    for family, kind in ((socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW)):
        try:
            socket.socket(family, kind, 255)
            print("BREACH")
        except OSError:
            pass
""")

LIVES = _programs("""
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
    if os.fork() == 0:
        os.setsid()
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
    #: forks and leaves
    import os, time
    if os.fork():
        os._exit(0)
    time.sleep(600)
    #: a child that is traced and stopped
    import os, signal
    if os.fork() == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
""")

EARLY_FAKES = _programs("""
    #: os._exit(0)
    import os
    os._exit(0)
    #: sys.exit(0)
    import sys
    sys.exit(0)
    #: raise SystemExit
    raise SystemExit
    #: exits inside an exit handler
    import atexit, os
    atexit.register(os._exit, 0)
    1 / 0
    #: kills itself
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
    #: closes every file and exits
    import os
    os.closerange(0, 256)
    os._exit(0)
    #: a forged end on every file
    import json, os
    for number in range(256):
        for line in ({"end": "ok"}, {"end": "ok", "proof": "0" * 128}, {"loaded": {"answer": "callable"}}):
            try:
                os.write(number, json.dumps(line).encode() + b"\\n")
            except OSError:
                pass
    os._exit(0)
    #: prints ok
    import os
    os.write(1, b"ok\\nOK\\n1 passed\\n")
    os._exit(0)
    #: leaves by a signal handler
    import os, signal
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    while True:
        pass
    #: exits in a thread
    import os, threading, time
    threading.Thread(target=os._exit, args=(0,)).start()
    time.sleep(5)
    #: becomes another program
    import os
    os.execv("/bin/true", ["true"])
    #: hunts for the proof in frames and by the garbage collector
    import gc, os, sys
    found, seen = [], set()
    def look(thing, depth):
        if id(thing) in seen or depth > 6:
            return
        seen.add(id(thing))
        if "blake2" in type(thing).__name__:
            found.append(thing)
        for other in gc.get_referents(thing):
            look(other, depth + 1)
    frame = sys._getframe()
    while frame:
        look(frame, 0)
        look(frame.f_locals, 0)
        frame = frame.f_back
    for thing in gc.get_objects():
        look(thing, 5)
    for proof in found:
        for number in range(3, 256):
            try:
                os.write(number, b'{"end": "ok", "proof": "%s"}\\n' % proof.hexdigest().encode())
            except (OSError, AttributeError, TypeError):
                pass
    os._exit(0)
""", fake=True, early=True)  # fmt: skip

FAKES = _programs("""
    #: an object equal to everything
    class Equal:
        def __eq__(self, other): return True
        def __ne__(self, other): return False
        def __bool__(self): return True
        def __hash__(self): return 0
    def answer(n):
        return Equal()
    #: a number equal to everything
    class Equal(int):
        def __eq__(self, other): return True
        def __ne__(self, other): return False
    def answer(n):
        return Equal(n)
    #: a list equal to everything
    class Equal(list):
        def __eq__(self, other): return True
    def answer(n):
        return Equal()
    #: an array equal to everything
    import numpy
    class Equal(numpy.ndarray):
        def __eq__(self, other): return True
        def __bool__(self): return True
    def answer(n):
        return numpy.zeros(()).view(Equal)
    #: patched builtins
    import builtins
    builtins.all = builtins.any = lambda *_: True
    builtins.AssertionError = Warning
    builtins.abs = builtins.len = builtins.sum = lambda *_: 2
    #: patched exits and hooks
    import os, sys
    sys.exit = os._exit = os.abort = lambda *_: None
    sys.excepthook = sys.unraisablehook = lambda *_: os.kill(os.getpid(), 9)
    #: a tracer that jumps over asserts
    import sys
    def jump(frame, event, argument):
        if event == "line" and frame.f_code.co_filename != __file__ if "__file__" in globals() else True:
            try:
                frame.f_lineno = frame.f_lineno + 1
            except ValueError:
                pass
        return jump
    sys._getframe().f_trace = jump
    sys.settrace(jump)
    #: an exception that a loop takes for its end
    def answer(n):
        raise StopIteration
    #: an exception that is the tests' own
    def answer(n):
        raise type("AssertionError", (SystemExit,), {})(0)
    #: exits when it is called
    import os
    def answer(n):
        os._exit(0)
    #: raises SystemExit when it is called
    def answer(n):
        raise SystemExit(0)
    #: answers with bytes of its own
    import os, struct
    def answer(n):
        for number in range(3, 64):
            for text in (b'{"end": "ok"}', b'{"loaded": {}}', b'{"heap": [["pickle", 1]], "root": [0], "changes": {}}'):
                try:
                    os.write(number, struct.pack(">Q", len(text)) + text)
                except OSError:
                    pass
        return n
    #: answers with a message without end
    import os, struct
    def answer(n):
        for number in range(3, 64):
            try:
                os.write(number, struct.pack(">Q", 2**62) + b"[" * 60000)
            except OSError:
                pass
        return n
    #: answers with a message of brackets
    import os, struct
    def answer(n):
        for number in range(3, 64):
            try:
                os.write(number, struct.pack(">Q", 60000) + b"[" * 60000)
            except OSError:
                pass
        return n
    #: answers with an endless iterator
    import itertools
    def answer(n):
        return itertools.count()
    #: looks for the tests
    import gc, sys
    def answer(n):
        texts = [thing for thing in gc.get_objects() if isinstance(thing, dict) and "tests" in thing]
        frame = sys._getframe()
        while frame:
            texts += [value for value in frame.f_locals.values() if isinstance(value, str) and "assert" in value]
            frame = frame.f_back
        return n + 1 if any("answer(1) ==" in str(text) for text in texts) else n
    #: never answers
    def answer(n):
        while True:
            pass
""", fake=True)  # fmt: skip

HOSTILE = (*RESOURCES, *FILES, *SECRETS, *LIVES, *EARLY_FAKES, *FAKES)
SMOKE = (
    "fork bomb", "endless loop", "memory hog", "output flood", "writes outside", "reads the parent's environment",
    "connects to the parent", "signals the parent", "a daemon that outlives", "os._exit(0)",
    "hunts for the proof in frames and by the garbage collector", "an object equal to everything",
)  # fmt: skip
