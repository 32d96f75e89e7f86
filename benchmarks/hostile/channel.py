"""Programs that write where only the sandbox's own processes should, and are named what nobody expects."""

from benchmarks.hostile.program import programs

_SAY = """
import os, time
def say(*texts):
    for number in range(3, 64):
        for text in texts:
            try:
                os.set_blocking(number, False)
                os.write(number, text)
            except OSError:
                pass
"""

CHANNEL = programs("""
    #: an empty object on every file
    say(b"{}\\n")
    time.sleep(0.5)
    #: says ready twice
    say(b'{"ready": true}\\n', b"ready\\n")
    time.sleep(0.5)
    #: forges a proof of the right length
    say(b"ok " + b"0" * 128 + b"\\n")
    os._exit(0)
    #: values of every wrong type
    for value in (b"NaN", b"1e999", b"null", b"[]", b"{}", b"9" * 3000, b'"ok", "end": 1'):
        say(b'{"end": %s}\\n' % value)
    os._exit(0)
    #: brackets within brackets on one line
    say(b"[" * 60000 + b"\\n")
    os._exit(0)
    #: half a line and silence
    say(b"exception: ")
    time.sleep(600)
    #: a line without an end
    while True:
        say(b"x" * 60000)
    #: a flood of empty lines
    while True:
        say(b"\\n" * 60000)
    #: an end in the name of the sandbox
    say(b"sandbox: it did not start\\n", b"stopped: the caller wants no more results\\n")
    os._exit(0)
    #: an end that draws on the terminal
    say(b"exception: \\x1b]0;owned\\x07\\x1b[2J\\xff\\xfe\\xe2\\x80\\xae\\n")
    os._exit(0)
    #: an exception whose message draws on the terminal
    raise type("\\x1b[2J", (Exception,), {})("\\x1b]0;owned\\x07\\x9b2J\\u202e\\r\\x00")
    #: an exit whose status has no end
    raise SystemExit(10**5000)
    #: an exception with a name of a megabyte
    raise type("x" * 10**6, (Exception,), {})
    #: output that is no text
    os.write(1, bytes(range(256)) * 100)
    os.write(2, b"\\xff\\xfe\\x00\\x80" * 100)
    #: files sent over every socket
    import array, socket
    for number in range(3, 64):
        try:
            with socket.socket(fileno=os.dup(number)) as line:
                for _ in range(50):
                    line.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2] * 20))])
        except OSError:
            pass
    time.sleep(0.5)
    #: process names that are no text
    import ctypes
    for name in (b"\\xff\\xfe\\x80)(", b") R 1 1 1", b"a\\nVmRSS:\\t0 kB\\n"):
        ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
        time.sleep(0.3)
    #: answers that are messages of every wrong kind
    import struct
    def answer(n):
        for text in (
            b"{}", b"[]", b"NaN", b"\\xff\\xfe", b'{"heap": [], "changes": {}, "result": [true]}',
            b'{"raised": [[]], "heap": [], "changes": {}}',
            b'{"heap": [["int", "9"]], "changes": {"-1": ["list"]}, "result": [0]}',
        ):
            say(struct.pack(">Q", len(text)) + text)
        return n
    #: answers that are more than the tests can hold
    def answer(n):
        return ["x" * 1000] * 60000
""", fake=True, front=_SAY)  # fmt: skip
