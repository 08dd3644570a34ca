"""The navigation: what works, and where one is."""

from collections.abc import Sequence
from dataclasses import dataclass

from baton.pipelines.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Item:
    """A place to go; `count` says how many wait there, if that is known."""

    label: str
    href: str
    here: bool
    count: str | None = None


@dataclass(frozen=True, slots=True)
class Navigation:
    """The three parts of the navigation."""

    main: list[Item]
    pipelines: list[Item]
    setup: list[Item]


def navigation(pipelines: Sequence[Pipeline], here: str) -> Navigation:
    """All places, the one that `here` names marked."""

    def item(label: str, href: str) -> Item:
        return Item(label, href, href == here)

    return Navigation(
        main=[item("Board", "/board"), item("Leads", "/leads"), item("Tasks", "/tasks")],
        pipelines=[item(pipeline.name, f"/board/{pipeline.id}") for pipeline in pipelines],
        setup=[item("Forms", "/settings/forms")],
    )
