"""Handing one message over, by mail or on WhatsApp: what a server or provider says of it, and what that means."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiosmtplib

from baton.kernel.db import Database, Row
from baton.messages.compose import plain_address
from baton.messages.outcome import End
from baton.messages.whatsapp.port import Line
from baton.messages.whatsapp.port import hand_over as hand_over_whatsapp


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt: an end, or none to try again."""

    end: End | None
    error: str | None = None
    unknown_address: bool = False
    provider_id: str | None = None


HandOver = Callable[[Row], Awaitable[Outcome]]


def by_smtp(client: aiosmtplib.SMTP) -> HandOver:
    """Hand messages to a mail server that one is connected to."""

    async def hand_over(row: Row) -> Outcome:
        return await _hand_over(client, row)

    return hand_over


def by_whatsapp(db: Database, line: Line) -> HandOver:
    """Hand messages to the provider of a number."""

    async def hand_over(row: Row) -> Outcome:
        sent = await hand_over_whatsapp(db.installation, line, row["recipient"], row["whatsapp"])
        return Outcome(sent.end, sent.error, provider_id=sent.provider_id)

    return hand_over


async def _hand_over(client: aiosmtplib.SMTP, row: Row) -> Outcome:
    """Give one message to the server. Silence before its bytes went is tried again; afterwards it is doubt."""
    try:
        await client.mail(plain_address(row["sender"]))
        await client.rcpt(plain_address(row["recipient"]))
    except aiosmtplib.SMTPRecipientRefused as error:
        await _reset(client)
        return _refused(error.code, error.message, of_recipient=True)
    except aiosmtplib.SMTPResponseException as error:
        await _reset(client)
        return _refused(error.code, error.message)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        return Outcome(None, told(error))
    try:
        await client.data(row["raw"])
    except aiosmtplib.SMTPResponseException as error:
        await _reset(client)
        return _refused(error.code, error.message)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        return Outcome("in_doubt", f"The server fell silent while it took the message: {told(error)}")
    return Outcome("sent")


def _refused(code: int, words: str, *, of_recipient: bool = False) -> Outcome:
    """What a server's no means: 4xx is for now, 5xx for good; some of the latter say that there is no such recipient."""
    said = " ".join(f"{code} {words}".split())[:500]
    if not 500 <= code < 600:
        return Outcome(None, f"The server asks to try later: {said}")
    enhanced = next((word for word in words.split()[:2] if word.count(".") == 2 and word[:2] == "5."), "")
    unknown = enhanced.startswith("5.1.") if enhanced else code in (550, 551, 553)
    return Outcome("failed", f"The server refused it: {said}", unknown_address=of_recipient and unknown)


async def _reset(client: aiosmtplib.SMTP) -> None:
    try:
        await client.rset()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        client.close()


def told(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
