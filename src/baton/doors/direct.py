"""What programs ask for most is answered without walking the list of all addresses."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from baton.doors.answers import Endpoint

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Direct:
    """Gives the addresses under some beginnings to their handlers, each of which answers its own errors; the rest goes on.

    `doors` says by the beginning of an address what its rest is called, and who answers. Each has a route too, for what is unusual.
    """

    def __init__(self, app: ASGIApp, doors: dict[str, tuple[str, Endpoint]]) -> None:
        self.app, self.doors = app, [(beginning, *found) for beginning, found in doors.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in METHODS and not scope.get("root_path"):
            path: str = scope["path"]
            for beginning, name, handler in self.doors:
                if path.startswith(beginning) and "/" not in path[len(beginning) :]:
                    scope["path_params"] = {name: path[len(beginning) :]}
                    answer = await handler(Request(scope, receive, send))
                    await answer(scope, receive, send)
                    return
        await self.app(scope, receive, send)
