"""Programs that pass for right."""

from benchmarks.hostile.program import programs

EARLY_FAKES = programs("""
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

FAKES = programs("""
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
    #: an array without elements
    import numpy
    def answer(n):
        return numpy.empty((0, 1, 1, 1))
    #: an array of objects of its own
    import numpy
    class Equal:
        def __eq__(self, other): return True
    def answer(n):
        return numpy.array([Equal()], dtype=object)
""", fake=True)  # fmt: skip
