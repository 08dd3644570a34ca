"""Vendored files are the ones that the lock names, byte for byte, and none is there unnamed."""

import hashlib
import tomllib
from pathlib import Path

import pytest

import baton

LOCKS = [
    Path(baton.__file__).parent / "ui" / "vendor.lock",
    Path(__file__).parents[1] / "browser" / "vendor.lock",
]


@pytest.mark.parametrize("lock", LOCKS, ids=["pages", "browser tests"])
def test_vendored_files_match_their_lock(lock: Path) -> None:
    locked = {
        path: digest
        for package in tomllib.loads(lock.read_text())["package"]
        for path, digest in package["files"].items()
    }
    vendor = lock.parent / "vendor"
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in vendor.iterdir()}
    assert found == locked


@pytest.mark.parametrize("lock", LOCKS, ids=["pages", "browser tests"])
def test_every_package_states_version_and_license(lock: Path) -> None:
    packages = tomllib.loads(lock.read_text())["package"]
    assert packages
    for package in packages:
        assert package["name"]
        assert package["version"]
        assert package["license"]
