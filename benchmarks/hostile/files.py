"""Programs that write where they should not."""

from benchmarks.hostile.program import programs

FILES = programs("""
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
    #: a link in the place of its scratch folder
    import os
    here = os.getcwd()
    try:
        os.rename(here, os.path.dirname(here) + "/" + NAME)
        os.symlink(os.path.dirname(FILE), here)
    except OSError:
        pass
    os._exit(0)
    #: a link in its scratch folder, and folders that are closed
    import os
    os.symlink(os.path.dirname(FILE), "link")
    os.makedirs("closed/inner")
    os.chmod("closed", 0)
    os.chmod(".", 0)
    #: changes settings of the kernel
    import glob
    named = ["/proc/sysrq-trigger", "/proc/1/oom_score_adj", "/proc/1/mem"]
    for path in [*glob.glob("/proc/sys/*/*"), *named, *glob.glob("/sys/*/*")]:
        try:
            with open(path, "r+b", 0) as file:
                file.write(file.read())
            print("BREACH", path)
        except OSError:
            pass
""")
