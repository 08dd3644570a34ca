"""Which network addresses the product may connect to when somebody else names the place: public ones, and what is allowed."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

from baton.kernel.errors import Invalid

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[list[str]]]

# IANA's registries of special-purpose addresses (RFC 6890 and later); Python's own list differs between its versions.
_CLOSED_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_OPEN_6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_6 = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)
_HOST = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?"
)
_PORTS_OF_OTHERS = frozenset(
    {21, 22, 23, 25, 53, 110, 143, 389, 445, 465, 587, 993, 995, 2049, 3306, 5432, 6379, 9200, 11211, 27017}
)


class Refused(Invalid):
    """The place is not one that the product connects to for others: a private address, or no plain web address."""


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a list such as "127.0.0.1/32, fd00::/8". Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def plain(address: Address) -> Address:
    """The address that is reached in the end: an IPv4 address behind its IPv6 spellings (RFC 4291, RFC 6052)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet: no private, loopback, link-local, shared, reserved or multicast one."""
    reached = plain(address)
    if isinstance(reached, ipaddress.IPv4Address):
        return not any(reached in closed for closed in _CLOSED_4)
    if reached.scope_id is not None or _is_isatap(reached):
        return False
    return reached in _OPEN_6 and not any(reached in closed for closed in _CLOSED_6)


def _is_isatap(address: ipaddress.IPv6Address) -> bool:
    return (int(address) >> 32) & 0xFDFFFFFF == 0x00005EFE


def check_address(text: str, allowed: Iterable[Network]) -> Address:
    """The address itself, if it is public or allowed. Raises Refused."""
    address = plain(ipaddress.ip_address(text))
    if any(address in network for network in allowed if network.version == address.version) or is_public(address):
        return address
    raise Refused(
        "This address leads into a private network. Only addresses of the open internet are called.", field="url"
    )


def check_url(url: str, allowed: tuple[Network, ...], *, plain_http: bool = False) -> str:
    """The address of a web server as somebody gave it, checked without asking a name server. Raises Refused.

    It is https (http too with `plain_http`, or where private networks are allowed), without user and password, on a port
    that no mail server or database uses, and its host is a name or a public address: numbers in other forms (decimal,
    octal, hexadecimal) are refused, whatever they would mean.
    """
    if len(url) > 2000 or any(ord(letter) < 33 or ord(letter) == 127 or letter == "\\" for letter in url):
        raise Refused("A web address has at most 2,000 characters and holds no blanks.", field="url")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode() if ":" not in (parts.hostname or "") else parts.hostname
    except ValueError:
        raise Refused("This is not a web address.", field="url") from None
    if parts.scheme not in (("https", "http") if plain_http or allowed else ("https",)):
        raise Refused("Give an address that begins with https://.", field="url")
    if parts.username is not None or parts.password is not None or not host:
        raise Refused("Give an address with a host and without user and password.", field="url")
    if port in _PORTS_OF_OTHERS or port == 0:
        raise Refused(f"Port {port} is not one of web servers.", field="url")
    check_host(host, allowed)
    return url


def check_host(host: str, allowed: Iterable[Network]) -> None:
    """See that a host is a name, or an address that may be called. Raises Refused."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host) or len(host) > 253 or _NUMERIC.fullmatch(host.rstrip(".").rpartition(".")[2]):
            raise Refused("The host of this address is neither a name nor a plain IP address.", field="url") from None
        return
    check_address(host, allowed)


_RESOLVERS = ThreadPoolExecutor(64, thread_name_prefix="resolve")
"""Threads of their own: a name server that does not answer holds up nothing else of this process."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as this machine's resolver says; an address is its own. Raises OSError."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_RESOLVERS, ask)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
