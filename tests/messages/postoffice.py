"""A post office of the tests: a real SMTP server on loopback that remembers what it was given."""

import asyncio
import email
import email.policy
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Taken:
    """One message: who handed it over to whom, and its bytes."""

    sender: str
    to: list[str]
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        read = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        return read


@dataclass
class PostOffice:
    """Takes mail; `answer` is what it says to the bytes, `refuse` what it says to a recipient, `silent` hangs up on the bytes."""

    answer: str = "250 taken"
    refuse: str | None = None
    silent: bool = False
    hold: float = 0
    taken: list[Taken] = field(default_factory=list)
    port: int = 0
    connections: int = 0

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        if self.silent or self.answer.startswith("2"):
            self.taken.append(Taken(envelope.mail_from or "", list(envelope.rcpt_tos), content))
        await asyncio.sleep(self.hold)
        if self.silent:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return self.answer

    def protocol(self) -> SMTP:
        self.connections += 1
        return SMTP(self, hostname="post.example")

    async def open(self) -> asyncio.Server:
        server = await asyncio.get_running_loop().create_server(self.protocol, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server
