"""Long messages in a timeline: what was written stands there, what was quoted, signed off and long is folded away."""

import re

LINES, LETTERS = 12, 900
_SPARED = 3  # a fold that hides less than this is none
_QUOTED = re.compile(
    r">|(?:On|Am|Em|Le|El|Il|Op) .{6,200}(?:wrote|schrieb|escreveu|a écrit|escribió|ha scritto|schreef)[^:]*:\s*$"
    r"|-{2,} ?(?:Original Message|Forwarded message|Mensagem original|Ursprüngliche Nachricht)|_{8,}\s*$|-- ?$"
)
_LEAVE = re.compile(
    r"If you would rather not hear from us: \S+|.{0,80}\bunsubscribe\b.{0,40}https?://\S+", re.IGNORECASE
)


def folded(text: str) -> tuple[str, str]:
    """The part of a message that stands open, and the rest; the rest is empty where the whole is short and nobody is quoted."""
    lines = text.strip().split("\n")
    end = next(
        (at for at, line in enumerate(lines) if at and (_QUOTED.match(line) or _LEAVE.fullmatch(line.strip()))), None
    )
    cut = len(lines) if end is None else end
    length = 0
    for at, line in enumerate(lines[:cut]):
        length += len(line) + 1
        if at >= LINES or length > LETTERS:
            cut = at
            break
    if cut == 0:  # one very long line
        head = lines[0][:LETTERS].rpartition(" ")[0] or lines[0][:LETTERS]
        return head, "\n".join([lines[0][len(head) :].lstrip(), *lines[1:]])
    rest = lines[cut:]
    if end != cut and len(rest) < _SPARED and len("\n".join(rest)) < 200:
        rest = []
    kept = lines[:cut] if rest else lines
    return "\n".join(kept).rstrip(), "\n".join(rest).strip("\n")
