"""The log of a process: one line an event, coloured where a person watches a terminal, plain and cheap everywhere else."""

import functools
import logging
import os
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO}
_PLAIN = re.compile(r"[^\s=\"'\x00-\x1f\x7f-\x9f]*")
_EVENT_WIDTH = 30


def begin() -> None:
    """Write events of `BATON_LOG_LEVEL` (INFO) and above to the standard error stream."""
    level = logging.getLevelNamesMapping().get(os.environ.get("BATON_LOG_LEVEL", "INFO").upper(), logging.INFO)
    logging.basicConfig(
        stream=sys.stderr, level=max(level, logging.WARNING), format="%(levelname)s %(name)s: %(message)s"
    )
    # Plain tracebacks: the default ones print the variables of every frame, passwords and tokens among them.
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    global _from
    _from = None if sys.stderr.isatty() else level
    shown = console if sys.stderr.isatty() else functools.partial(_line, console)
    structlog.configure(
        processors=[*structlog.get_config()["processors"][:-2], _stamp, shown],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


_log = structlog.get_logger()
_from: int | None = None
"""The least level that is written, where lines are plain."""


def told_request(level: str, *, method: str, path: str, status: int, ms: float, request_id: str) -> None:
    """The line of a request, as any other event's. Most lines are these: where lines are plain it is put together here at once."""
    if _from is None:
        getattr(_log, level)("request", method=method, path=path, status=status, ms=ms)
    elif _LEVELS[level] >= _from:
        head = f"{_told(int(time.time()))} [{level:<9}] {'request':<{_EVENT_WIDTH}}"
        sys.stderr.write(
            f"{head} method={_value(method)} ms={ms} path={_value(path)} request_id={request_id} status={status}\n"
        )


def _stamp(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["timestamp"] = _told(int(time.time()))
    return event


@functools.lru_cache(maxsize=1)
def _told(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def _line(console: structlog.dev.ConsoleRenderer, logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
    """A line as the console's, for a fraction of its time; what failed is told by the console itself."""
    if "exc_info" in event or "stack" in event:
        return console(logger, name, event)
    head = f"{event.pop('timestamp')} [{event.pop('level'):<9}] {event.pop('event')!s:<{_EVENT_WIDTH}}"
    return " ".join([head, *(f"{key}={_value(event[key])}" for key in sorted(event))])


def _value(value: Any) -> str:
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else repr(value)
