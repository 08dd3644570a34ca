"""The port that the web server listens on: taken before anything else is touched."""

import errno
import socket
from dataclasses import replace

from baton.kernel.data_dir import Misconfigured
from baton.kernel.settings import Settings, local_url


def listen(settings: Settings) -> tuple[socket.socket, Settings]:
    """A listening socket, and the settings with its port where 0 asked for a free one.

    It listens at once, which keeps the port from everybody else; who connects early waits until Baton is ready.
    Raises Misconfigured for a port that is in use, or may not be used, and for a host that is not this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise Misconfigured(f"“{settings.host}” is no address to listen on. Choose with --host.") from error
    taken = socket.socket(family, kind, protocol)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(address)
        taken.listen(2048)
    except OSError as error:
        taken.close()
        raise Misconfigured(_refused(settings, error)) from error
    taken.setblocking(False)
    port: int = taken.getsockname()[1]
    if settings.public_url == local_url(settings.host, settings.port):
        return taken, replace(settings, port=port, public_url=local_url(settings.host, port))
    return taken, replace(settings, port=port)


def _refused(settings: Settings, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = settings.port + 1 if settings.port < 65_535 else settings.port - 1
        return (
            f"Port {settings.port} on {settings.host} is in use by another program. "
            f"Stop that one, or choose another port: --port {other}"
        )
    if error.errno == errno.EACCES:
        return f"Port {settings.port} may only be used by root. Choose one above 1023 with --port."
    return f"Baton cannot listen on {settings.host}, port {settings.port}: {error.strerror}. Choose with --host and --port."
