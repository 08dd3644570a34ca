"""Custom fields as controls of a form: each type with the one that suits it, and what was filled in as its value. Spec A5."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from baton.doors.web.leads.filters import Options
from baton.doors.web.shell.language import _
from baton.fields.definition import Definition


@dataclass(slots=True)
class Control:
    """A control: what it is, what stands in it, and what it may be set to; several values are `chosen`."""

    type: str
    value: str = ""
    options: Options = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    required: bool = False

    @property
    def raw(self) -> str:
        """What stands in it as text, to tell later whether it is still so."""
        return ", ".join(self.chosen) if self.type == "several" else self.value.strip()


_TYPES = {
    "integer": "number",
    "decimal": "number",
    "date": "date",
    "url": "url",
    "longText": "area",
    "shortText": "text",
}


def control(definition: Definition, value: Any) -> Control:
    """The control of a custom field with a lead's value in it; a value that is no option any more can be kept."""
    match definition.type:
        case "yesNo":
            told = "" if value is None else "yes" if value is True else "no"
            return Control(
                "select", told, [("", "—"), ("yes", _("yes")), ("no", _("no"))], required=definition.required
            )
        case "select":
            held = [str(value)] if value is not None and str(value) not in definition.options else []
            options = [("", "—"), *((option, option) for option in (*definition.options, *held))]
            return Control("select", "" if value is None else str(value), options, required=definition.required)
        case "multiSelect":
            mine = [str(each) for each in value] if isinstance(value, list) else []
            held = [each for each in mine if each not in definition.options]
            options = [(option, option) for option in (*definition.options, *held)]
            return Control("several", ", ".join(mine), options, mine, definition.required)
    shown = "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return Control(_TYPES[definition.type], shown, required=definition.required)


def value_of(definition: Definition, pairs: Sequence[tuple[str, str]], name: str = "value") -> Any:
    """What was filled in, as the operation takes it: a list for several choices, None for nothing."""
    values = [value.strip() for key, value in pairs if key == name and value.strip()]
    if definition.type == "multiSelect":
        return values or None
    return values[0] if values else None
