"""The migrations of this version: where they are, and their order."""

from pathlib import Path

import baton


def revisions() -> list[str]:
    """The revisions of this version, oldest first, by the names of their files: `0001_foundation.py` is 0001."""
    return sorted(file.name.partition("_")[0] for file in (folder() / "versions").glob("[0-9]*_*.py"))


def folder() -> Path:
    """Where the migrations are: in an installed package beside the code, in a checkout at its top."""
    packaged = Path(baton.__file__).parent / "_migrations"
    return packaged if packaged.is_dir() else Path(baton.__file__).parents[2] / "migrations"
