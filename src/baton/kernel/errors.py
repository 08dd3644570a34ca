"""The few typed errors of the product; every door translates them into its own protocol."""

from typing import Any
from uuid import UUID


class BatonError(Exception):
    """An answer that is not a success: `message` says what to do; `field` names the input at fault, if one is.

    `code` is stable and meant for programs, `status` is the HTTP status (RFC 9110).
    """

    code = "INTERNAL_SERVER_ERROR"
    status = 500

    def __init__(self, message: str, *, field: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after


class Invalid(BatonError):
    """The input cannot be understood or breaks a rule of its field."""

    code = "BAD_REQUEST"
    status = 400


class Unauthenticated(BatonError):
    """Nobody is signed in, or the credential is wrong, expired or revoked."""

    code = "UNAUTHORIZED"
    status = 401


class Forbidden(BatonError):
    """The actor's role does not admit the operation."""

    code = "FORBIDDEN"
    status = 403


class NeedsApproval(BatonError):
    """A person decides first: nothing of the act has happened. `asked` is its input; `approval_id` names what waits, once it
    is written down."""

    code = "NEEDS_APPROVAL"
    status = 202

    def __init__(self, message: str, *, approval_id: UUID | None = None, asked: Any = None) -> None:
        super().__init__(message)
        self.approval_id = approval_id
        self.asked = asked


class NotFound(BatonError):
    """It does not exist, or the actor may not know that it does."""

    code = "NOT_FOUND"
    status = 404


class MethodNotSupported(BatonError):
    """This address does not answer this method: a query is read, a mutation is posted. `allowed` are those that it answers."""

    code = "METHOD_NOT_SUPPORTED"
    status = 405

    def __init__(self, message: str, *, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class TimedOut(BatonError):
    """The request did not arrive in time."""

    code = "TIMEOUT"
    status = 408


class Conflict(BatonError):
    """The record stands otherwise than the write expects: stale version, taken name, wrong state."""

    code = "CONFLICT"
    status = 409


class TooLarge(BatonError):
    """The body exceeds the limit."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class UnsupportedMedia(BatonError):
    """The body is of a kind that is not read here."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class Unprocessable(BatonError):
    """The request is well formed but contradicts an earlier one: an idempotency key with another body."""

    code = "UNPROCESSABLE_CONTENT"
    status = 422


class TooMany(BatonError):
    """A limit is reached; `retry_after` says in how many seconds to try again."""

    code = "TOO_MANY_REQUESTS"
    status = 429


class Unavailable(BatonError):
    """The database cannot be reached or cannot write just now; nothing was changed."""

    code = "SERVICE_UNAVAILABLE"
    status = 503


def must_be_current(what: str, version: int, expected: int | None) -> None:
    """Raise Conflict where a write names another version (`expected`, none for any) than the record has. SPEC, "Concurrency"."""
    if expected is not None and expected != version:
        raise Conflict(f"{what} was changed since you read it (version {version}, not {expected}). Read it again.")
