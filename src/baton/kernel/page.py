"""Pages of a list: an opaque cursor that resumes after the last row, at any depth."""

import base64
import binascii
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from baton.kernel.errors import Invalid

T = TypeVar("T")
COUNTED = 10_000
"""As many are counted one by one; where there are more, that is said."""


class Total(NamedTuple):
    """How many there are, none where that was not asked, and whether there are more than that."""

    number: int | None
    is_estimate: bool = False


def up_to(counted: int) -> Total:
    """The total of what `counting` counted."""
    return Total(min(counted, COUNTED), counted > COUNTED)


def counting(source: str, tests: str) -> str:
    """SQL that counts rows, but no more than `up_to` can tell: a count of everything costs what everything is."""
    return f"SELECT count(*) FROM (SELECT FROM {source} WHERE {tests} LIMIT {COUNTED + 1}) counted"


class Page(msgspec.Struct, Generic[T], rename="camel", kw_only=True):
    """Items, the cursor of the next page (none at the end), and the total where it was asked for: an estimate says that there are more."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = None
    total_is_estimate: bool = False


def cursor(*position: Any) -> str:
    """The opaque cursor of a position, its values those of the sort's columns."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def position(text: str, *types: Any) -> tuple[Any, ...]:
    """The position that `cursor` made. Raises Invalid for anything else."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return tuple(msgspec.json.decode(raw, type=tuple[types]))  # type: ignore[valid-type]
    except (msgspec.MsgspecError, ValueError, binascii.Error):
        raise Invalid(
            "This cursor is not one of ours, or belongs to another list. Start without it.", field="cursor"
        ) from None
