"""Steps with conditions and branches as rows of a form: “if”, “and”, “else”, “end” stand in rows of their own, indented."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from baton.doors.web.automations.step_rows import SPARE, Act, Step, one_row, read_row
from baton.doors.web.leads.condition_form import row_of, test_of
from baton.doors.web.leads.filters import Options
from baton.doors.web.shell.language import _
from baton.doors.web.shell.stale import Part
from baton.doors.web.told.conditions import Vocabulary
from baton.kernel.conditions import Condition
from baton.kernel.errors import Invalid

MAX_ROWS = 200
IF, AND, ELSE, END, GATE, SKIP = "if", "and", "else", "end", "gate", "gateSkip"
ASKING = (IF, AND, GATE, SKIP)


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row: what to do and with what; where it asks something of the lead, the field, the test and the value."""

    act: str = ""
    text: str = ""
    field: str = ""
    op: str = "="
    value: str = ""
    depth: int = 0


def options(offered: Mapping[str, Act], *, sequence: bool = False) -> Options:
    """What a row may say: the acts, and what holds them together."""
    asking = (
        [(GATE, _("go on only where")), (SKIP, _("skip the next step, unless"))]
        if sequence
        else [(IF, _("if")), (ELSE, _("else")), (END, _("end of “if”"))]
    )
    named = [(name, act.words) for name, act in offered.items() if name != "json"]
    last = [(name, act.words) for name, act in offered.items() if name == "json"]
    return [("", "—"), *named, *asking, (AND, _("and")), *last]


def posted(pairs: Sequence[tuple[str, str]]) -> list[StepRow]:
    """The rows as they were typed, without the empty ones."""
    names = ("stepAct", "stepText", "stepField", "stepOp", "stepValue")
    columns = [[value for key, value in pairs if key == name][:MAX_ROWS] for name in names]
    typed = [
        StepRow(act, text.replace("\r\n", "\n").strip(), field, op or "=", value.strip())
        for act, text, field, op, value in zip_longest(*columns, fillvalue="")
        if act
    ]
    return _indented(typed)


def _indented(typed: Sequence[StepRow]) -> list[StepRow]:
    depth = 0
    rows: list[StepRow] = []
    for row in typed:
        at = max(0, depth - 1) if row.act in (ELSE, END) else depth
        depth = depth + 1 if row.act == IF else max(0, depth - 1) if row.act == END else depth
        if row.act == AND:
            at = max(0, at - 1) if rows and (rows[-1].act == IF or rows[-1].act == AND) and at else at
        rows.append(StepRow(row.act, row.text, row.field, row.op, row.value, at))
    return rows


def rows(steps: Sequence[Step], offered: Mapping[str, Act], known: Vocabulary) -> list[StepRow]:
    """Steps as rows, with a few to fill in."""
    return [*_indented([row for step in steps for row in _said(step, offered, known)]), *[StepRow()] * SPARE]


def part(steps: Sequence[Step], offered: Mapping[str, Act], known: Vocabulary) -> Part:
    """The steps of a record as the part of its form that another hand may have changed."""
    names = ("stepAct", "stepText", "stepField", "stepOp", "stepValue")
    shown = [row for row in rows(steps, offered, known) if row.act]
    pairs = [
        pair for row in shown for pair in zip(names, (row.act, row.text, row.field, row.op, row.value), strict=True)
    ]
    return Part("*steps", _("Steps"), pairs, rows=names, keys=("steps", "plan"))


def _said(step: Step, offered: Mapping[str, Act], known: Vocabulary) -> list[StepRow]:
    asked = _asked(step.get("condition"), known) if step["do"] in ("branch", "condition") else []
    if not asked:
        return [StepRow(*one_row(step, offered))]
    if step["do"] == "condition":
        first = SKIP if step.get("otherwise") == "skip" else GATE
        return [StepRow(first, "", *asked[0]), *(StepRow(AND, "", *test) for test in asked[1:])]
    found = [StepRow(IF, "", *asked[0]), *(StepRow(AND, "", *test) for test in asked[1:])]
    found += [row for each in step.get("then", []) for row in _said(each, offered, known)]
    if step.get("otherwise"):
        found += [StepRow(ELSE), *(row for each in step["otherwise"] for row in _said(each, offered, known))]
    return [*found, StepRow(END)]


def _asked(condition: Condition | None, known: Vocabulary) -> list[tuple[str, str, str]]:
    """The tests of a condition of which all must hold; none where it is deeper than rows can say."""
    parts = condition.get("all", [condition]) if condition else []
    if not all(isinstance(part, dict) and "field" in part for part in parts):
        return []
    tests = [row_of(part, known) for part in parts]
    return [(test.field, test.op, test.value) for test in tests]


def parsed(typed: Sequence[StepRow], offered: Mapping[str, Act], known: Vocabulary) -> list[Step]:
    """The steps that rows say. Raises Invalid, naming the row."""
    reader = _Reader(typed, offered, known)
    steps = reader.steps(0)
    if reader.at < len(typed):
        raise Invalid(
            _("Step %(number)s: there is no “if” that this belongs to.") % {"number": reader.at + 1}, field="steps"
        )
    return steps


class _Reader:
    """Reads rows one after the other, and what stands within an “if” as its own steps."""

    def __init__(self, typed: Sequence[StepRow], offered: Mapping[str, Act], known: Vocabulary) -> None:
        self.typed, self.offered, self.known, self.at = typed, offered, known, 0

    def steps(self, depth: int) -> list[Step]:
        found: list[Step] = []
        while self.at < len(self.typed) and self.typed[self.at].act not in (ELSE, END, AND):
            row = self.typed[self.at]
            if row.act == IF:
                found.append(self._branch(depth))
            elif row.act in (GATE, SKIP):
                otherwise = "skip" if row.act == SKIP else "stop"
                found.append({"do": "condition", "condition": self._condition(), "otherwise": otherwise})
            else:
                found.append(read_row(self.at + 1, row.act, row.text, self.offered))
                self.at += 1
        return found

    def _branch(self, depth: int) -> Step:
        begins = self.at + 1
        step: Step = {"do": "branch", "condition": self._condition(), "then": self.steps(depth + 1), "otherwise": []}
        if self._is(ELSE):
            self.at += 1
            step["otherwise"] = self.steps(depth + 1)
        if self._is(END):
            self.at += 1
        elif self.at < len(self.typed) or depth:
            raise Invalid(_("Step %(number)s: this “if” has no end.") % {"number": begins}, field="steps")
        return step

    def _condition(self) -> Condition:
        tests: list[Any] = []
        while not tests or self._is(AND):
            row = self.typed[self.at]
            self.at += 1
            try:
                if not row.field:
                    raise Invalid(_("choose what of the lead is asked."))
                tests.append(test_of(row.field, row.op, row.value, self.known))
            except Invalid as error:
                words = _("Step %(number)s: %(why)s") % {"number": self.at, "why": error.message}
                raise Invalid(words, field="steps") from error
        return {"all": tests}

    def _is(self, act: str) -> bool:
        return self.at < len(self.typed) and self.typed[self.at].act == act
