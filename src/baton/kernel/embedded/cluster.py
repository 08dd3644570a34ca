"""The cluster on disk: made whole or not at all, never touched when it is of another major version."""

import shutil
from collections.abc import Callable
from pathlib import Path

from baton.kernel import data_dir
from baton.kernel.data_dir import Misconfigured
from baton.kernel.embedded import config
from baton.kernel.embedded.place import MAJOR, Place
from baton.kernel.errors import Unavailable

SUPERUSER = "postgres"
LEAST_FREE = 200 * config.MEGABYTE


def prepare(place: Place, password: str, tell: Callable[[str], None]) -> None:
    """A cluster that is ready to be started, with the configuration of this version of Baton.

    Raises Misconfigured for a full disk, a folder that is something else, and another major version of PostgreSQL.
    """
    _check_disk(place.cluster)
    version = place.cluster / "PG_VERSION"
    if version.exists():
        major = version.read_text(encoding="ascii").strip()
        if major != str(MAJOR):
            raise Misconfigured(
                f"{place.cluster} holds data of PostgreSQL {major}; this version of Baton brings PostgreSQL {MAJOR}. "
                "Start the version of Baton that wrote it, dump with pg_dump, and restore into a new data directory."
            )
    else:
        if place.cluster.exists() and any(place.cluster.iterdir()):
            raise Misconfigured(f"{place.cluster} is not empty and not a database. Choose another folder with --data.")
        tell("Making the database …")
        _create(place, password)
    data_dir.write_private(place.cluster / "baton.conf", config.text(place.sockets, place.cluster))


def _check_disk(cluster: Path) -> None:
    where = next(path for path in (cluster, *cluster.parents) if path.exists())
    free = shutil.disk_usage(where).free
    if free < LEAST_FREE:
        raise Misconfigured(
            f"The disk of {where} is full: {free // config.MEGABYTE} MB are free, and the database needs "
            f"{LEAST_FREE // config.MEGABYTE}. Nothing was changed. Make room, or choose another folder with --data."
        )


def _create(place: Place, password: str) -> None:
    draft = place.cluster.with_name(place.cluster.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    place.make(draft)
    handed = place.sockets / "password"
    data_dir.write_private(handed, password)
    try:
        # The builtin locale orders by code point on every system, so a data directory can move between machines.
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        access = ("-U", SUPERUSER, f"--pwfile={handed}", "--auth=scram-sha-256")
        made = place.run("initdb", "-D", str(draft), *access, *locale)
    finally:
        handed.unlink()
    if made.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise Unavailable(f"The database cannot be made: {made.stderr.strip()}")
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\ninclude_if_exists = 'baton.conf'\n")
    draft.rename(place.cluster)
