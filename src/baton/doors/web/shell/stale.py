"""Two people change the same: what the other wrote stands beside what one wrote oneself, and one keeps or takes it."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeVar
from uuid import UUID

from baton.activities.activity import Activity
from baton.activities.timeline import ReadAudit
from baton.doors.web.shell.language import Told, _, marked
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.page import Page
from baton.leads.timeline import ReadTimeline

LOOKED = 60
YES_NO = Told({"on": marked("yes"), "": marked("no")})
_PLACE, _OF = "*place", "*of"
Row = TypeVar("Row")
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Clash:
    """A field of a form that another hand changed while it stood open: its name and label, both values, and who it was."""

    name: str
    label: str
    who: str
    theirs: str
    mine: str = ""
    raw: str | None = None

    @property
    def words(self) -> str:
        """Both versions in a sentence; of what is many fields, theirs, where it can be told."""
        if self.raw is None:
            words = _("%(who)s changed it meanwhile to “%(theirs)s”, and you changed it too.")
            return (words if self.theirs else _("%(who)s changed it meanwhile, and you changed it too.")) % {
                "who": self.who,
                "theirs": self.theirs,
            }
        both = {"who": self.who, "theirs": self.theirs or _("nothing"), "mine": self.mine or _("nothing")}
        return _("%(who)s wrote “%(theirs)s” meanwhile; you wrote “%(mine)s”.") % both


@dataclass(frozen=True, slots=True)
class Part:
    """What stands in a form as many fields: the rows of a condition or of steps, boxes to tick. It is settled as one.

    `rows` are the columns of its rows, the first of which says whether a row counts; `single` are its fields that come once. `now`
    is what an untouched form of the record sends, `told` what the record says in words.
    """

    name: str
    label: str
    now: Pairs
    rows: tuple[str, ...]
    single: tuple[str, ...] = ()
    told: str = ""
    keys: tuple[str, ...] = ()

    def mark(self, pairs: Pairs) -> str:
        """What some fields of a form say of this part, as a short mark that is the same for the same."""
        columns = [[_text(value) for key, value in pairs if key == name] for name in self.rows]
        rows = [row for row in zip_longest(*columns, fillvalue="") if row[0]]
        once = [[_text(value) for key, value in pairs if key == name] for name in self.single]
        return hashlib.sha256(json.dumps([rows, once]).encode()).hexdigest()[:32]

    def take(self, visit: Visit) -> None:
        """Put what the record says now in the place of what was sent."""
        names = (*self.rows, *self.single)
        visit.several = [pair for pair in visit.several if pair[0] not in names] + list(self.now)
        for name in names:
            visit.fields.pop(name, None)
        visit.fields |= dict(self.now)


def ticks(name: str, label: str, chosen: Sequence[str], words: Mapping[str, str] = {}, *, key: str = "") -> Part:
    """Boxes of one name, those that are ticked now."""
    told = ", ".join(words.get(each, each) for each in chosen)
    return Part(f"*{name}", label, [(name, each) for each in chosen], (name,), told=told, keys=(key or name,))


def placed(
    visit: Visit, rows: Sequence[Row], id: str, name: Callable[[Row], tuple[UUID, str]], *, by: str = "name"
) -> int | None:
    """The place of a row that is edited: by its id; where the rows were written anew meanwhile, by the name that the form began
    with and carries along as `by`, else by its place. `name` answers a row's id and name."""
    wanted, was = as_uuid(id), _was(visit)
    found = next((at for at, row in enumerate(rows) if name(row)[0] == wanted), None)
    if found is None and by in was:
        found = next((at for at, row in enumerate(rows) if name(row)[1] == was[by]), None)
    if found is None and was.get(_OF) == str(len(rows)) and str(was.get(_PLACE)).isdecimal():
        found = int(was[_PLACE])  # renamed, and none is more or less
    return found if found is None or found < len(rows) else None


def place_of(at: int | None, rows: Sequence[Any]) -> dict[str, str]:
    """Where a row stands among how many, carried along for `placed`; nothing for a new one."""
    return {} if at is None else {_PLACE: str(at), _OF: str(len(rows))}


async def writer(visit: Visit, lead_id: UUID, *keys: str) -> str:
    """Who changed one of these facts of a lead last."""
    asked = ReadTimeline(lead_id=str(lead_id), limit=LOOKED)
    told: Page[Activity] = await visit.perform("crm.leads.timeline", asked)
    return named(told.items, keys)


async def editor(visit: Visit, id: UUID, *keys: str) -> str:
    """Who changed one of these facts of any record last, as far as the latest of the log tell."""
    told: Page[Activity] = await visit.perform("crm.activities.list", ReadAudit(limit=LOOKED))
    return named([each for each in told.items if each.subject_id == id], keys)


def named(newest_first: Sequence[Activity], keys: Sequence[str]) -> str:
    """Who changed one of these facts last, as some activities tell, the newest first; else whose hand was the last at all."""
    by = [each.actor_name for each in newest_first if any(key in each.changes for key in keys)]
    others = [each.actor_name for each in newest_first]
    return next(iter(by or others), _("Somebody"))


def kept(now: Mapping[str, Any], parts: Sequence[Part] = ()) -> dict[str, Any]:
    """What the record says, and the marks of the parts of the form that are many fields: what a sheet carries along."""
    return {**now, **{part.name: part.mark(part.now) for part in parts}}


def held(values: Mapping[str, Any]) -> str:
    """What a form was filled with, as it carries it along."""
    return json.dumps({key: _text(value) for key, value in values.items()}, ensure_ascii=False)


async def settle(
    visit: Visit,
    id: UUID,
    now: Mapping[str, Any],
    labels: Mapping[str, str],
    *,
    shown: Mapping[str, Mapping[str, str]] = {},
    keys: Mapping[str, str] = {},
    parts: Sequence[Part] = (),
) -> list[Clash]:
    """Bring what one filled in together with what the record says `now`, field by field, in `visit.fields`.

    What one did not touch is taken as it is now; what only one changed is one's own; what both changed to different ends
    is a clash. `labels` names the fields that people see, `shown` has the words of values that are chosen from a list, and
    `keys` what the log calls a field where it is called otherwise in the form. `parts` are settled whole. A form that is
    only looked at is settled as it is.
    """
    was = _was(visit)
    clashes: list[Clash] = []
    for name, label in labels.items():
        if name not in was:
            continue
        before, mine, theirs = str(was[name]), _text(visit.fields.get(name)), _text(now.get(name))
        if before == theirs or mine == theirs:
            continue
        if mine == before:
            _put(visit, name, theirs)
            continue
        who = await editor(visit, id, keys.get(name, name))
        words = shown.get(name, {})
        clashes.append(Clash(name, label, who, words.get(theirs, theirs), words.get(mine, mine), theirs))
    for part in parts:
        before, mine, theirs = str(was.get(part.name, "")), part.mark(visit.several), part.mark(part.now)
        if not before or theirs in (before, mine):
            continue
        if mine == before:
            part.take(visit)
        else:
            clashes.append(Clash(part.name, part.label, await editor(visit, id, *part.keys), part.told))
    return clashes


def _was(visit: Visit) -> dict[str, Any]:
    """What the form was filled with when it was opened; nothing where it is only looked at."""
    try:
        was = json.loads(visit.fields.get("was", "{}")) if visit.request.method == "POST" else {}
    except ValueError:
        was = {}
    return was if isinstance(was, dict) else {}


def _put(visit: Visit, name: str, value: str) -> None:
    """A field as another hand left it; a box that is not ticked is not sent."""
    visit.several = [pair for pair in visit.several if pair[0] != name] + ([(name, value)] if value else [])
    visit.fields.pop(name, None)
    visit.fields |= {name: value} if value else {}


def _text(value: Any) -> str:
    return "" if value is None else str(value).replace("\r\n", "\n").strip()
