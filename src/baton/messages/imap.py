"""Reading a mailbox over IMAP: in a thread with an end to everything, at an address that was checked before."""

import asyncio
import contextlib
import imaplib
import re
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from imap_tools import BaseMailBox
from imap_tools.errors import ImapToolsError

from baton.kernel.outbound import Outbound
from baton.messages.connect import CONNECT, Server, checked_address

T = TypeVar("T")
SECONDS = 30.0  # for each answer
ALL = 180.0  # for a whole look
AT_A_TIME = 20
MAX_MESSAGE = 20_000_000
MAX_LOOK = 40_000_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_THREADS = ThreadPoolExecutor(16, thread_name_prefix="imap")


class Unreadable(OSError):
    """The server did not let us read: the message says how."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message of a folder: its UID, its bytes; of one that is too large only the headers (`cut`)."""

    uid: int
    raw: bytes
    cut: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: the folder's UIDVALIDITY, messages in the order of their UIDs, and whether there are more."""

    validity: int
    found: list[Fetched]
    more: bool


async def look(outbound: Outbound, server: Server, folder: str) -> None:
    """Sign in and open a folder. Raises Refused, OSError, TimeoutError."""
    await _in_thread(outbound, server, lambda box: box.folder.set(folder, readonly=True))


async def fetch(
    outbound: Outbound, server: Server, folder: str, *, validity: int | None, after: int, since: date, mark_seen: bool
) -> Looked:
    """The next messages of a folder behind a UID; where UIDs mean something else now, those since a day.

    Flags stay as they are, unless `mark_seen`. Raises Refused, OSError, TimeoutError.
    """

    def read(box: BaseMailBox) -> Looked:
        box.folder.set(folder, readonly=not mark_seen)
        now = box.folder.status(folder, ["UIDVALIDITY"])["UIDVALIDITY"]
        known = after if now == validity else 0
        wanted = f"UID {known + 1}:*" if known else f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}"
        uids = sorted(uid for text in box.uids(wanted) if (uid := int(text)) > known)
        found: list[Fetched] = []
        for uid in uids[:AT_A_TIME]:
            found.append(_one(box, uid))
            if sum(len(each.raw) for each in found) > MAX_LOOK:
                break
        if mark_seen and found:
            box.flag([str(each.uid) for each in found], ["\\Seen"], True)
        return Looked(now, found, len(uids) > len(found))

    return await _in_thread(outbound, server, read)


def _one(box: BaseMailBox, uid: int) -> Fetched:
    told = _answer(box, uid, "(RFC822.SIZE)")
    size = next((int(found[1]) for part in told if (found := re.search(rb"RFC822\.SIZE (\d+)", _head(part)))), 0)
    cut = size > MAX_MESSAGE
    parts = _answer(box, uid, "(BODY.PEEK[HEADER])" if cut else "(BODY.PEEK[])")
    raw = next((part[1] for part in parts if isinstance(part, tuple)), b"")
    return Fetched(uid, raw[:MAX_MESSAGE], cut)


def _answer(box: BaseMailBox, uid: int, what: str) -> list[Any]:
    status, parts = box.client.uid("fetch", str(uid), what)
    if status != "OK":
        raise Unreadable(f"message {uid} could not be fetched")
    return list(parts)


def _head(part: Any) -> bytes:
    head = part[0] if isinstance(part, tuple) else part
    return head if isinstance(head, bytes) else b""


async def _in_thread(outbound: Outbound, server: Server, work: Callable[[BaseMailBox], T]) -> T:
    address = (await asyncio.wait_for(checked_address(outbound, server), CONNECT))[0]

    def run() -> T:
        try:
            box = _Box(server, address)
            try:
                sign_in = (
                    box.login if (server.password or "").isascii() and (server.user or "").isascii() else box.login_utf8
                )
                sign_in(server.user or "", server.password or "", None)
                return work(box)
            finally:
                with contextlib.suppress(ImapToolsError, imaplib.IMAP4.error, OSError):
                    box.logout()
        except (ImapToolsError, imaplib.IMAP4.error, ValueError) as error:
            raise Unreadable(" ".join(str(error).split())[:300]) from error

    return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(_THREADS, run), ALL)


class _Box(BaseMailBox):
    """A mailbox at a checked address; TLS speaks of the name."""

    def __init__(self, server: Server, address: str) -> None:
        self.server, self.address = server, address
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        client = _Client(self.server, self.address)
        if self.server.security == "starttls":
            client.starttls(ssl.create_default_context())
        return client


class _Client(imaplib.IMAP4):
    def __init__(self, server: Server, address: str) -> None:
        self.server, self.address = server, address
        super().__init__(server.host, server.port, SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        opened = socket.create_connection((self.address, self.server.port), CONNECT)
        opened.settimeout(SECONDS)
        if self.server.security != "tls":
            return opened
        return ssl.create_default_context().wrap_socket(opened, server_hostname=self.server.host)
