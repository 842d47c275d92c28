"""Where tests write: into memory, if the system has a place for that with enough room."""

import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")
# A run writes some hundred MiB, and the folders of the last three are kept.
_ROOM = 4 * 1024**3


def quick_folder() -> Path | None:
    """Return a folder whose files are in memory, None when there is none: the usual one for what is temporary will do.

    A webhook is answered when it is on the disk, and some tests send a day of them: on a disk that others use, too,
    they would take as long as it says.
    """
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM
    return _MEMORY if has_room else None
