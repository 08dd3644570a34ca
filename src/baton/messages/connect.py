"""Connections to mail servers that organizations name: only to checked addresses, and never without an end."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiosmtplib

from baton.kernel.addresses import check_address, check_host
from baton.kernel.installation import Installation
from baton.kernel.outbound import Outbound
from baton.kernel.relay_mail import Security

CONNECT = 15.0  # seconds
SECONDS = 45.0  # for each answer


@dataclass(frozen=True, slots=True)
class Server:
    """A server to speak to. `trusted` is the operator's own: it may stand in a private network."""

    host: str
    port: int
    security: Security
    user: str | None
    password: str | None = field(repr=False)
    trusted: bool = False


async def checked_address(outbound: Outbound, server: Server) -> list[str]:
    """The addresses of a server, each of them one that may be called. Raises Refused, OSError where there is none."""
    if not server.trusted:
        check_host(server.host, outbound.allowed)
    found = await outbound.resolver(server.host, server.port)
    if not found:
        raise OSError("this host has no address")
    return found if server.trusted else [str(check_address(text, outbound.allowed)) for text in found]


async def connected(outbound: Outbound, server: Server) -> socket.socket:
    """A connection to the first address that answers: what the name server says a moment later changes nothing.

    Raises Refused, OSError, TimeoutError.
    """
    failed: OSError = OSError("this host has no address")
    async with asyncio.timeout(CONNECT):
        for address in await checked_address(outbound, server):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            opened = socket.socket(family, socket.SOCK_STREAM)
            opened.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(opened, (address, server.port))
            except OSError as error:
                opened.close()
                failed = error
            except BaseException:
                opened.close()
                raise
            else:
                return opened
    raise failed


@contextlib.asynccontextmanager
async def smtp(installation: Installation, server: Server) -> AsyncIterator[aiosmtplib.SMTP]:
    """A session with an SMTP server, signed in. Raises Refused, OSError, TimeoutError, aiosmtplib.SMTPException."""
    opened = await connected(installation.outbound, server)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        sock=opened,
        timeout=SECONDS,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        username=server.user,
        password=server.password,
        tls_context=ssl.create_default_context(),
        local_hostname="baton.invalid" if not installation.public_url else _own_name(installation.public_url),
    )
    try:
        await client.connect()
    except BaseException:
        client.close()
        opened.close()
        raise
    try:
        yield client
    finally:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(2):
                await client.quit()
        client.close()


def _own_name(public_url: str) -> str:
    host = public_url.partition("://")[2].partition("/")[0].rpartition(":")[0] or public_url.partition("://")[2]
    return host if host.replace(".", "").replace("-", "").isalnum() and not host[0].isdigit() else "[127.0.0.1]"
