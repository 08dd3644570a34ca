"""The two ways to WhatsApp behind one port: Meta's Cloud API and Twilio."""

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec

from baton.kernel.addresses import Refused
from baton.kernel.installation import Installation
from baton.kernel.outbound import Answer, Unreachable
from baton.messages.outcome import End

SECONDS = 30.0
_LATER = frozenset({4, 80007, 130429, 131048, 131056, 133016})
"""Meta's codes that ask to try again later: limits of rate."""


@dataclass(frozen=True, slots=True)
class Line:
    """A number as it is spoke with: whose it is, and its token."""

    provider: str
    number: str
    account: str
    base_url: str
    token: str
    callback: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one attempt: an end (none to try again), and the provider's id of the message."""

    end: End | None
    error: str | None = None
    provider_id: str | None = None


async def hand_over(installation: Installation, line: Line, to: str, content: dict[str, Any]) -> Sent:
    """Give a message to the provider. What may have been taken, and was not answered, is in doubt."""
    url, headers, body = (_meta if line.provider == "meta" else _twilio)(line, to, content)
    try:
        answer = await installation.outbound.send("POST", url, headers=headers, content=body, seconds=SECONDS)
    except Refused as error:
        return Sent("failed", error.message)
    except Unreachable as error:
        before = isinstance(error.__cause__ or error.__context__, (httpx2.ConnectError, httpx2.ConnectTimeout))
        return Sent(None if before else "in_doubt", f"{line.provider} did not answer: {error}"[:500])
    return _judged(answer, line)


def _meta(line: Line, to: str, content: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    said: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": to.removeprefix("+")}
    if "text" in content:
        said |= {"type": "text", "text": {"body": content["text"], "preview_url": False}}
    else:
        parameters = [{"type": "text", "text": value} for value in content["variables"]]
        components = [{"type": "body", "parameters": parameters}] if parameters else []
        template = {"name": content["template"], "language": {"code": content["language"]}, "components": components}
        said |= {"type": "template", "template": template}
    headers = {"authorization": f"Bearer {line.token}", "content-type": "application/json"}
    return f"{line.base_url}/{line.account}/messages", headers, msgspec.json.encode(said)


def _twilio(line: Line, to: str, content: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    said = {"From": f"whatsapp:{line.number}", "To": f"whatsapp:{to}", "StatusCallback": line.callback}
    if "text" in content:
        said |= {"Body": content["text"]}
    else:
        numbered = {str(index): value for index, value in enumerate(content["variables"], start=1)}
        said |= {"ContentSid": content["template"], "ContentVariables": msgspec.json.encode(numbered).decode()}
    basic = base64.b64encode(f"{line.account}:{line.token}".encode()).decode()
    headers = {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"}
    return f"{line.base_url}/2010-04-01/Accounts/{line.account}/Messages.json", headers, urlencode(said).encode()


def _judged(answer: Answer, line: Line) -> Sent:
    try:
        told = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        told = {}
    told = told if isinstance(told, dict) else {}
    if answer.ok:
        return Sent("sent", provider_id=_id(told, line))
    fault = told.get("error") if isinstance(told.get("error"), dict) else told
    code = fault.get("code") if isinstance(fault, dict) else None
    words = str(fault.get("message") or "") if isinstance(fault, dict) else ""
    said = " ".join(f"{line.provider} answered {answer.status}: {code or ''} {words}".split())[:500]
    if answer.status in (429, 503) or code in _LATER:
        return Sent(None, said)
    return Sent("in_doubt" if answer.status >= 500 else "failed", said)


def _id(told: dict[str, Any], line: Line) -> str | None:
    if line.provider == "twilio":
        return str(told["sid"]) if told.get("sid") else None
    listed = told.get("messages")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    return str(first["id"]) if first.get("id") else None
