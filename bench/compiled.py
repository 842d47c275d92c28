"""The bench's programs in C, compiled where they are needed and gone afterwards."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

_FOLDER = Path(__file__).parent


@contextlib.contextmanager
def compiled(name: str) -> Iterator[str]:
    """Compile `bench/<name>.c` for this machine; yield the program's path for the length of a block."""
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/{name}"
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", program, str(_FOLDER / f"{name}.c")], check=True)
        yield program
