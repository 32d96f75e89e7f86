"""The kernel for GPUs: what it computes, by Triton's interpreter, and what it is compiled to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

triton = pytest.importorskip("triton")
HERE = Path(__file__).parent


def test_in_the_interpreter():
    """In a process of its own: Triton asks when it is imported."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / "interpreted_adam_gpu.py"]
    ran = subprocess.run(command, env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-3000:]


@pytest.mark.parametrize("capability", [80, 90])
def test_it_compiles_for_a_gpu_and_keeps_all_in_registers(capability, tmp_path):
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from emlit.decoding import adam_gpu

    names = adam_gpu._launch.arg_names
    pointers = {name: "*fp32" for name in ("z", "parts", "known", "parameters")} | {"moved": "*i32"}
    for first, last in ((True, False), (False, False), (False, True)):
        fixed = {"FIRST": first, "LAST": last, "BLOCK": adam_gpu._BLOCK, "CHUNKS": 128}
        signature = {name: "constexpr" if name in fixed else pointers.get(name, "i32") for name in names}
        source = ASTSource(adam_gpu._launch, signature, {(names.index(name),): value for name, value in fixed.items()})
        made = triton.compile(source, GPUTarget("cuda", capability, 32), {"num_warps": 8})
        file = tmp_path / f"{first}{last}.cubin"
        file.write_bytes(made.asm["cubin"])
        tool = Path(os.path.dirname(triton.__file__), "backends/nvidia/bin/cuobjdump")
        used = subprocess.run([tool, "--dump-resource-usage", file], capture_output=True, text=True, check=True).stdout
        assert "STACK:0" in used
        assert "LOCAL:0" in used
        assert int(used.partition("REG:")[2].split()[0]) <= 128  # two blocks of 256 threads on a multiprocessor
