"""Programs that read what is their parent's."""

from benchmarks.hostile.program import programs

SECRETS = programs("""
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
    for path in ["/etc/shadow", *glob.glob(f"{HOME}/.*"), *glob.glob(f"{HOME}/.ssh/*"), *glob.glob("/home/*/.*")]:
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
