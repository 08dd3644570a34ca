"""Old and new facts of an activity as people read them."""

from dataclasses import dataclass
from typing import Any

from baton.doors.web.shell.amounts import money
from baton.doors.web.shell.language import Told, _, marked
from baton.doors.web.shell.show import SOURCES, STATUSES

LABELS = Told(
    {
        "name": marked("name"),
        "firstName": marked("first name"),
        "lastName": marked("last name"),
        "email": marked("email"),
        "phone": marked("phone"),
        "website": marked("website"),
        "title": marked("title"),
        "companyName": marked("company"),
        "location": marked("location"),
        "industry": marked("industry"),
        "companySize": marked("team size"),
        "valueCents": marked("potential value"),
        "currency": marked("currency"),
        "expectedCloseDate": marked("expected close"),
        "tags": marked("tags"),
        "source": marked("source"),
        "status": marked("status"),
        "externalId": marked("external id"),
    }
)


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that changed: its name in words, what it was and what it is; empty for nothing."""

    label: str
    old: str
    new: str

    @property
    def long(self) -> bool:
        """Whether it is too long to stand in the sentence itself."""
        return len(self.old) + len(self.new) > 60


def changed(changes: dict[str, Any]) -> list[Change]:
    """The facts that an activity changed, as people read them; ids and stamps are left out."""
    currency = changes.get("currency", [None, None])
    found = []
    for name, (old, new) in changes.items():
        if name == "valueCents":
            found.append(Change(LABELS[name], _amount(old, currency[0] or currency[1]), _amount(new, currency[1])))
        elif name == "fields":
            found.extend(_fields(old or {}, new or {}))
        elif name in LABELS and not (name == "name" and {"firstName", "lastName"} & changes.keys()):
            found.append(Change(LABELS[name], _plain(name, old), _plain(name, new)))
    return found


def _fields(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    return [Change(name, _plain(name, old.get(name)), _plain(name, new.get(name))) for name in names]


def _amount(cents: int | None, currency: str | None) -> str:
    if cents is None:
        return ""
    return money(cents, currency) if currency else f"{cents / 100:,.0f}"


def _plain(name: str, value: Any) -> str:
    if value is None or value == []:
        return ""
    if name == "source":
        return SOURCES.get(str(value), str(value))
    if name == "status":
        return STATUSES.get(str(value), str(value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
