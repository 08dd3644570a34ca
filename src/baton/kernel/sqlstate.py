"""What the database refuses, as the product's own errors: by SQLSTATE, never by the name of a constraint."""

import asyncpg

from baton.kernel.errors import BatonError, Conflict, Invalid, NotFound, Unavailable

_BY_STATE: dict[str, tuple[type[BatonError], str]] = {
    "23505": (Conflict, "It exists already. Use another name or id, or change the existing record."),
    "23503": (NotFound, "A record that this refers to does not exist in your organization."),
    "23514": (Invalid, "A value breaks a rule of its field."),
    "22000": (Invalid, "A number is too large for its field, or a value is of another kind."),  # found before sending
    "22P02": (Invalid, "A value has the wrong form."),
    "22003": (Invalid, "A number is too large."),
    "22021": (Invalid, "Text must be valid UTF-8 without NUL."),
    "22P05": (Invalid, "Text must be valid UTF-8 without NUL."),
    "54000": (Invalid, "A value is too large."),
    "54001": (Invalid, "A value is nested too deeply."),
    "53100": (Unavailable, "The database's disk is full. Nothing was changed."),
    "53300": (Unavailable, "The database has no free connection. Try again."),
    "55P03": (Unavailable, "The record is busy. Try again."),
    "57P01": (Unavailable, "The database is restarting. Try again."),
    "57P03": (Unavailable, "The database is starting. Try again."),
}


def translated(error: asyncpg.PostgresError) -> BatonError | None:
    """The typed error for a database error, by its SQLSTATE; None where it is a fault of the product."""
    known = _BY_STATE.get(error.sqlstate or "")
    return known[0](known[1]) if known else None
