"""What is done with a chunk of a file's rows: they are loaded, or only looked up for a preview; both are counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from baton.imports.entries import Entry, same
from baton.imports.options import Example, ImportReport, Named, OnDuplicate
from baton.imports.rows import LoadedRow, LoadRows
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.perform import perform
from baton.leads.create import NewLead
from baton.pipelines.pipeline import Pipeline

_EXAMPLES = 5


class Overtaken(Conflict):
    """Another worker is at the same import: this one ends."""


@dataclass(frozen=True, slots=True)
class Write:
    """Loads chunks into a pipeline; one that a rule refuses is halved until the row at fault stands alone and is named."""

    db: Database
    actor: Actor
    report: ImportReport
    pipeline: Pipeline
    mode: OnDuplicate

    async def chunk(self, entries: Sequence[Entry]) -> None:
        """Load the rows, and add them to the report."""
        try:
            answers = await self.load(entries)
        except Overtaken:
            raise
        except (Invalid, NotFound, Conflict) as error:
            if len(entries) == 1:
                await self.chunk([replace(entries[0], lead=None, refused=True, reason=error.message)])
                return
            middle = len(entries) // 2
            await self.chunk(entries[:middle])
            await self.chunk(entries[middle:])
            return
        self._count(entries, answers)

    async def load(self, entries: Sequence[Entry]) -> list[LoadedRow]:
        """Load the leads of the rows; answers for each."""
        return await self._perform("crm.imports.load", _leads(entries))

    async def _perform(self, operation: str, leads: list[NewLead]) -> list[LoadedRow]:
        if not leads:
            return []
        rows = LoadRows(pipeline_id=str(self.pipeline.id), leads=leads, on_duplicate=self.mode)
        answers: list[LoadedRow] = await perform(
            self.db, self.actor, operation, rows, operation_id=self.report.operation_id
        )
        return answers

    def _count(self, entries: Sequence[Entry], answers: Sequence[LoadedRow]) -> None:
        left = iter(answers)
        for entry in entries:
            self.report.rows += 1
            if entry.refused:
                self.report.refused.append(Named(line=entry.line, reason=entry.reason or ""))
            elif entry.lead is None:
                self._repeats(entry, entry.reason or "")
            else:
                answer = next(left)
                self._example(entry, entry.lead, answer)
                if answer.outcome == "created":
                    self.report.created += 1
                elif answer.outcome == "updated":
                    self.report.updated += 1
                else:
                    self._repeats(entry, f"It is in already, as lead {answer.id}: {same(entry.lead, entry.identity)}")

    def _repeats(self, entry: Entry, reason: str) -> None:
        self.report.duplicates += 1
        self.report.repeated.append(Named(line=entry.line, reason=reason))

    def _example(self, entry: Entry, lead: NewLead, answer: LoadedRow) -> None:
        """Nothing by default: examples are for previews."""


class Look(Write):
    """Counts what loading a chunk would do, and keeps a few examples of each."""

    async def load(self, entries: Sequence[Entry]) -> list[LoadedRow]:
        """What would become of the leads of the rows."""
        return await self._perform("crm.imports.check", _leads(entries))

    def _example(self, entry: Entry, lead: NewLead, answer: LoadedRow) -> None:
        examples = self.report.examples
        if sum(example.outcome == answer.outcome for example in examples) < _EXAMPLES:
            name = lead.name or " ".join(part for part in (lead.first_name, lead.last_name) if part) or None
            examples.append(
                Example(
                    line=entry.line, outcome=answer.outcome, name=name, company_name=lead.company_name, email=lead.email
                )
            )


def _leads(entries: Sequence[Entry]) -> list[NewLead]:
    return [entry.lead for entry in entries if entry.lead is not None]
