"""The navigation: what works, and where one is."""

from collections.abc import Sequence
from dataclasses import dataclass

from baton.doors.web.shell.language import _
from baton.pipelines.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Item:
    """A place to go; `counted` names what waits there, which is counted when the page is shown."""

    label: str
    href: str
    here: bool
    counted: str = ""


@dataclass(frozen=True, slots=True)
class Navigation:
    """The three parts of the navigation."""

    main: list[Item]
    pipelines: list[Item]
    setup: list[Item]


_SETTINGS = (
    "/settings/pipelines", "/settings/organization", "/settings/fields", "/settings/tags", "/settings/enrichment", "/settings/webhooks",
    "/settings/log", "/settings/members", "/settings/keys", "/settings/forms", "/settings/mail",
    "/settings/calendar", "/settings/health",
)  # fmt: skip

_COUNTED = {"/inbox": "inbox", "/approvals": "approvals"}


def navigation(pipelines: Sequence[Pipeline], here: str) -> Navigation:
    """All places, the one that `here` names marked."""

    def item(label: str, href: str, *beside: str) -> Item:
        return Item(label, href, here == href or here in beside, _COUNTED.get(href, ""))

    return Navigation(
        main=[
            item(_("Inbox"), "/inbox"),
            item(_("Board"), "/board"),
            item(_("Leads"), "/leads", "/imports"),
            item(_("Contacts"), "/contacts", "/companies"),
            item(_("Tasks"), "/tasks", "/calendar"),
            item(_("Approvals"), "/approvals"),
            item(_("Dashboard"), "/dashboard/crm"),
        ],
        pipelines=[item(pipeline.name, f"/board/{pipeline.id}", f"/history/{pipeline.id}") for pipeline in pipelines],
        setup=[
            item(_("Agents"), "/settings/agents"),
            item(_("Automations"), "/automations", "/sequences"),
            item(_("Scoring & routing"), "/settings/scoring", "/settings/routing"),
            item(_("Settings"), _SETTINGS[0], *_SETTINGS[1:]),
        ],
    )
