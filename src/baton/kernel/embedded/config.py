"""The embedded PostgreSQL's configuration: durable, local only, sized to a small machine."""

import os
import shutil
from pathlib import Path

MEGABYTE = 1 << 20
_CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")

# wal_compression: this server knows pglz alone, which halves what is written after a checkpoint for half of the time of a move.
_FIXED = """\
# Written by Baton at each start. To change a setting for good, use ALTER SYSTEM: it wins over this file.
listen_addresses = ''
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 60

fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = off
checkpoint_timeout = '15min'

jit = off
random_page_cost = 1.1
work_mem = '8MB'
autovacuum_naptime = '20s'
autovacuum_vacuum_scale_factor = 0.05
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_insert_scale_factor = 0.05

timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_rotation_age = '1d'
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] %q%u@%d '
log_min_duration_statement = '2s'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_startup_progress_interval = '2s'
"""


def text(sockets: Path, cluster: Path) -> str:
    """The configuration file for a server whose socket and whose files are in these folders."""
    memory = _memory()
    shared = min(512, max(64, memory // MEGABYTE // 16))
    sized = f"""
unix_socket_directories = '{sockets}'
shared_buffers = '{shared}MB'
effective_cache_size = '{max(256, memory // MEGABYTE // 2)}MB'
maintenance_work_mem = '{min(256, max(32, shared // 2))}MB'
max_wal_size = '{_log(cluster)}MB'
"""
    return _FIXED + sized


def _log(cluster: Path) -> int:
    """Megabytes of log between checkpoints, each of which makes every page be logged whole once more: an eighth of the free disk.

    At least 1 GB and at most 8, used by a server that writes for minutes. One that is killed then reads half of them before it answers.
    """
    return min(8192, max(1024, shutil.disk_usage(cluster).free // MEGABYTE // 8))


def _memory() -> int:
    """The machine's memory in bytes, or the container's share of it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(memory, int(_CONTROL_GROUP.read_text(encoding="ascii")))
    except (OSError, ValueError):
        return memory
