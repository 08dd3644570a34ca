"""Every module that names an operation is imported, so that no door misses one."""

import re
import subprocess
import sys
from pathlib import Path

import baton

SOURCE = Path(baton.__file__).parent


def test_every_module_of_operations_is_imported() -> None:
    named = {
        ".".join(("baton", *path.relative_to(SOURCE).with_suffix("").parts))
        for path in SOURCE.rglob("*.py")
        if re.search(r"^@operation\(", path.read_text(), re.MULTILINE)
    }
    program = "import sys, baton.doors.operations; print(' '.join(sys.modules))"
    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert named
    assert named <= set(imported)
