"""Starting, and what an idle server holds in memory."""

import asyncio

from bench.client import median
from bench.lines import Line, at_most
from bench.server import Place, served

SETTLE = 5


async def start(place: Place) -> list[Line]:
    """From the start of web and worker to the first answer, on a database that runs; the memory of both after some idle seconds."""
    seconds, memory = [], []
    for number in range(place.rounds + 1):
        with served(place) as server:
            seconds.append(server.seconds)
            if number == place.rounds:
                await asyncio.sleep(SETTLE)
                memory.append(server.memory())
    warm = median(seconds[1:])
    return [
        at_most("start to first answer, warm", "seconds", warm, 1.5, unit=" s", ours=f"{warm:.2f} s"),
        at_most("idle memory of web + worker", "MB", memory[0], 160, unit=" MB", ours=f"{memory[0]:.0f} MB"),
    ]
