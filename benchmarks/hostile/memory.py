"""Programs that have memory kept where no rlimit shows it.

Each counts what it holds, and says BREACH where it still runs half a second after that was four times the limit.
"""

from benchmarks.hostile.program import programs

_HELD = """
import ctypes, os, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
MIB, held, kept = 2**20, 0.0, []
def holds(mib):
    global held
    held += mib
    if held > 1100:
        time.sleep(0.5)
        print("BREACH", held, flush=True)
        os._exit(0)
def mapped(size, flags, file=-1):
    place = libc.mmap(None, size, 3, flags, file, 0)
    if place in (None, 2**64 - 1):
        raise OSError(ctypes.get_errno(), "mmap")
    return place
def deep(folders):
    for _ in range(folders):
        os.mkdir("\\n" * 255)
        os.chdir("\\n" * 255)
    file = os.open("deep", os.O_RDWR | os.O_CREAT)
    os.write(file, b"x" * 4096)
    return file
def spread(work, count):
    for _ in range(count):
        holds(work() / MIB)
"""

MEMORY = programs("""
    #: pipes of huge pages
    class Vector(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
    while True:
        kept.append(os.pipe())
        os.set_blocking(kept[-1][1], False)
        for _ in range(16):
            area = mapped(4 * MIB, 0x22)
            start = (area + 2 * MIB - 1) // (2 * MIB) * (2 * MIB)
            libc.madvise(start, 2 * MIB, 14)
            ctypes.memset(start, 1, 1)
            done = libc.vmsplice(kept[-1][1], ctypes.byref(Vector(start, 4096)), 1, 2)
            libc.munmap(area, 4 * MIB, 0)
            if done <= 0:
                raise OSError(ctypes.get_errno(), "vmsplice")
            holds(2)
    #: one page of each huge page
    libc.prctl(41, 0, 0, 0, 0), libc.prctl(41, 1, 2, 0, 0)
    def huge():
        size = [int(line.split()[1]) for line in open("/proc/self/smaps_rollup") if line.startswith("AnonHuge")][0]
        area = mapped(64 * MIB, 0x22)
        libc.madvise(area, 64 * MIB, 14)
        for place in range(area, area + 64 * MIB, 4096 * 64):
            ctypes.memset(place, 1, 1)
        now = [int(line.split()[1]) for line in open("/proc/self/smaps_rollup") if line.startswith("AnonHuge")][0]
        if now == size:
            raise OSError("no huge pages")
    huge()
    print("BREACH")
    #: mappings that grow downwards
    for _ in range(6):
        ctypes.memset(mapped(64 * MIB, 0x122), 1, 64 * MIB)
    print("BREACH")
    #: pages of the huge page pool
    mapped(2 * MIB, 0x22 | 0x40000)
    print("BREACH")
    #: pipes as large as they get
    import fcntl
    pipe = os.pipe()
    if fcntl.fcntl(pipe[1], 1031, MIB) == MIB:
        print("BREACH")
    #: full pipes
    def work():
        size = 0
        for _ in range(120):
            kept.append(os.pipe())
            os.set_blocking(kept[-1][1], False)
            size += os.write(kept[-1][1], b"x" * 65536)
        return size
    spread(work, 60)
    spread(work, 60)
    #: full socket pairs
    import socket
    def work():
        size = 0
        for _ in range(120):
            pair = socket.socketpair()
            kept.append(pair)
            for line in pair:
                line.setblocking(False)
                try:
                    while True:
                        size += line.send(b"x" * 4096)
                except OSError:
                    pass
        return size
    spread(work, 55)
    #: sockets with larger buffers
    import socket
    pair = socket.socketpair()
    pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**24)
    print("BREACH")
    #: sockets of other families
    import socket
    for family in range(2, 45):
        for kind in (1, 2, 3, 5):
            try:
                socket.socketpair(family, kind)
                print("BREACH", family)
            except OSError:
                pass
    #: shared mappings that are no longer resident
    def work():
        area = mapped(200 * MIB, 0x21)
        ctypes.memset(area, 1, 200 * MIB)
        libc.madvise(area, 200 * MIB, 4)
        holds(200)
    while True:
        work()
    #: shared mappings of the zero device
    zero = os.open("/dev/zero", os.O_RDWR)
    while True:
        area = mapped(200 * MIB, 1, zero)
        ctypes.memset(area, 1, 200 * MIB)
        libc.madvise(area, 200 * MIB, 4)
        holds(200)
    #: memory of a process whose first thread is gone
    def work():
        hog = []
        while True:
            hog.append(bytearray(b"x") * (60 * MIB))
            holds(60)
    threading.Thread(target=work).start()
    libc.syscall(60 if os.uname().machine == "x86_64" else 93, 0)
    #: full pipes in threads with open files of their own
    def work():
        if libc.unshare(0x400) and libc.syscall(436, 1000, 1000, 2):
            raise OSError(ctypes.get_errno(), "open files")
        print("BREACH", flush=True)
    for _ in range(40):
        threading.Thread(target=work).start()
    #: record locks without end
    import fcntl
    file = open("locked", "wb")
    for number in range(200_000):
        fcntl.lockf(file, fcntl.LOCK_EX, 1, 2 * number)
    count = sum(1 for line in open("/proc/locks"))
    print("BREACH" if count > 100_000 else "")
    #: extended attributes
    file = open("attributes", "wb")
    while True:
        os.setxattr("attributes", f"user.{held}", b"x" * 60_000)
        holds(0.06)
    #: files that have no name any more
    while True:
        file = os.open("nameless", os.O_RDWR | os.O_CREAT)
        os.unlink("nameless")
        os.write(file, b"x" * MIB)
        holds(1)
    #: the file behind standard input
    os.lseek(0, 0, 2)
    os.write(0, b"x" * MIB)
    print("BREACH")
    #: keys
    names = {"x86_64": 248, "aarch64": 217}
    for number in range(200):
        if libc.syscall(names[os.uname().machine], b"user", b"%d" % number, b"x" * 20_000, 20_000, -2) > 0:
            print("BREACH")
    #: rings, secret memory, faults of its own, queues
    import platform
    new = [425, 447, *({"x86_64": [206, 323, 240, 319, 29, 68]}.get(platform.machine(), [0, 282, 180, 279, 194, 186]))]
    for number in new:
        room = ctypes.create_string_buffer(256)
        if libc.syscall(number, room if number in (240, 180, 279, 319) else 8, room, 0o1600, 0) >= 0:
            print("BREACH", number)
    #: sockets that only a message holds
    import array, socket
    def work():
        size = 0
        for _ in range(100):
            pair, outer = socket.socketpair(), socket.socketpair()
            pair[0].setblocking(False)
            full = 0
            try:
                while True:
                    full += pair[0].send(b"x" * 4096)
            except OSError:
                pass
            outer[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pair[1].fileno()]))])
            pair[0].close(), pair[1].close()
            size += full
            kept.append(outer)
        return size
    spread(work, 55)
    #: many small mappings
    def work():
        area = libc.mmap(None, 240 * MIB, 0, 0x22, -1, 0)
        if area == 2**64 - 1:
            raise OSError(ctypes.get_errno(), "mmap")
        libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for place in range(area, area + 240 * MIB, 8192):
            libc.mprotect(place, 4096, 1)
        return 61_440 * 215
    spread(work, 60)
    time.sleep(0.5)
    print("BREACH", held)
    #: what epoll watches
    import select
    def work():
        pollers = [select.epoll() for _ in range(100)]
        events = [os.eventfd(0) for _ in range(70)]
        numbers = [os.dup(events[0]) for _ in range(70)]
        for event in events:
            for number in numbers:
                os.dup2(event, number)
                for poller in pollers:
                    poller.register(number, 0)
        kept.extend(pollers)
        return 490_000 * 190
    select.epoll()
    spread(work, 15)
    #: files of /proc that print a deep path
    mapped(4096, 2, deep(3000))
    for _ in range(20):  # 4 MiB each, and as many as it likes
        kept.append(os.open("/proc/self/maps", os.O_RDONLY))
        while b"012" * 9 not in os.read(kept[-1], MIB).replace(b"\\\\", b""):
            pass
    time.sleep(0.5)
    print("BREACH")
    #: every file of /proc with a path as deep as it gets
    mapped(4096, 2, deep(450))
    while True:
        kept.append(os.open("/proc/self/maps", os.O_RDONLY))
        while b"012" * 9 not in os.read(kept[-1], MIB).replace(b"\\\\", b""):
            pass
        holds(1)
    #: named pipes
    def work():
        for number in range(150):
            name = f"{len(kept)}-{number}"
            os.mkfifo(name)
            kept.append(os.open(name, os.O_RDWR | os.O_NONBLOCK))
            os.unlink(name)
            try:
                while True:
                    os.write(kept[-1], b"x" * 4096)
            except BlockingIOError:
                pass
        return 150 * 65_536
    spread(work, 56)
    time.sleep(0.5)
    print("BREACH", held)
    #: filters of its own
    import struct
    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]
    allow = ctypes.byref(Filter(1, struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000)))
    number = {"x86_64": 317, "aarch64": 277}[os.uname().machine]
    if libc.prctl(22, 2, allow, 0, 0) == 0 or libc.syscall(number, 1, 0, allow) == 0:
        print("BREACH")
    #: rules of Landlock
    import struct
    if libc.syscall(444, struct.pack("QQQ", 0, 3, 0), 24, 0) >= 0:
        print("BREACH")
""", front=_HELD)  # fmt: skip
