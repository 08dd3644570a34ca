"""A receiver of webhooks: a real web server on loopback that remembers what it was sent."""

import asyncio
from dataclasses import dataclass, field

RESPONSES = {200: "OK", 204: "No Content", 410: "Gone", 429: "Too Many Requests", 500: "Server Error", 302: "Found"}


@dataclass
class Message:
    """What came: the path, the headers in lower case, and the body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers `status` after `seconds`; `most` is how many messages it held at once."""

    status: int = 200
    seconds: float = 0
    answer: bytes = b"thanks"
    headers: dict[str, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    port: int = 0
    now: int = 0
    most: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.seconds)
        self.now -= 1
        self.messages.append(Message(lines[0].split(" ")[1], headers, body))
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = f"HTTP/1.1 {self.status} {RESPONSES[self.status]}\r\ncontent-length: {len(self.answer)}\r\n{extra}\r\n"
        writer.write(head.encode() + self.answer)
        await writer.drain()
        writer.close()

    async def listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server
