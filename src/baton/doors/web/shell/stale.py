"""Two people change the same: what the other wrote stands beside what one wrote oneself, and one keeps or takes it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from baton.activities.activity import Activity
from baton.activities.timeline import ReadAudit
from baton.doors.web.shell.language import _
from baton.doors.web.shell.visit import Visit
from baton.kernel.page import Page
from baton.leads.timeline import ReadTimeline

LOOKED = 60


@dataclass(frozen=True, slots=True)
class Clash:
    """A field of a form that another hand changed while it stood open: its name and label, both values, and who it was."""

    name: str
    label: str
    who: str
    theirs: str
    mine: str
    raw: str

    @property
    def words(self) -> str:
        """Both versions in a sentence."""
        both = {"who": self.who, "theirs": self.theirs or _("nothing"), "mine": self.mine or _("nothing")}
        return _("%(who)s wrote “%(theirs)s” meanwhile; you wrote “%(mine)s”.") % both


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
) -> list[Clash]:
    """Bring what one filled in together with what the record says `now`, field by field, in `visit.fields`.

    What one did not touch is taken as it is now; what only one changed is one's own; what both changed to different ends
    is a clash. `labels` names the fields that people see, `shown` has the words of values that are chosen from a list, and
    `keys` what the log calls a field where it is called otherwise in the form.
    """
    try:
        was = json.loads(visit.fields.get("was", "{}"))
    except ValueError:
        was = {}
    clashes: list[Clash] = []
    for name, label in labels.items():
        if not isinstance(was, dict) or name not in was:
            continue
        before, mine, theirs = str(was[name]), visit.fields.get(name, "").strip(), _text(now.get(name))
        if before == theirs or mine == theirs:
            continue
        if mine == before:
            visit.fields[name] = theirs
            continue
        who = await editor(visit, id, keys.get(name, name))
        words = shown.get(name, {})
        clashes.append(Clash(name, label, who, words.get(theirs, theirs), words.get(mine, mine), theirs))
    return clashes


def _text(value: Any) -> str:
    return "" if value is None else str(value).replace("\r\n", "\n").strip()
