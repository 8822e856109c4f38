"""Files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

STEM = 20  # characters of its name in that of a temporary file, which is longer and must not be too long


def write_atomically(path: str | Path, write: Callable[[Path], object], refusal: type[Exception] | None = None) -> Path:
    """Let `write` fill a temporary file, then move it to its place in one step.

    Parameters
    ----------
    path : str or path
        Where the file is wanted; its folder is made if missing.
    write : callable
        Receives the path of the temporary file (same suffix) and writes it.
    refusal : type of exception, optional
        What is raised, with the path and the reason, if there cannot be such a file; without, the original error.

    Returns
    -------
    pathlib.Path
        The final path.
    """
    if refusal is None:
        return _written(Path(path), write)
    if not isinstance(path, (str, os.PathLike)):
        raise refusal(f"path is {path!r}; give the name of a file")
    try:
        return _written(Path(path), write)
    except refusal:
        raise
    except FileExistsError as error:  # where a folder of the path should be made
        raise refusal(f"{path}: cannot be written: {error.filename} is a file; give a path of folders") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise refusal(f"{str(path)!r}: cannot be written: {reason}; give another path") from error


def _written(path: Path, write: Callable[[Path], object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem[:STEM]}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        write(Path(name))
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # mkstemp makes files private; a result is an ordinary file
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    return path
