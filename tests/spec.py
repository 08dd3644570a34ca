"""Which test proves which line of the specification: read from the tests' docstrings, written to `docs/spec.md` by their run.

A docstring, a test's or its module's, names a line as "Spec A7." or "A7, B9:". `make spec` runs the tests and writes the table.
"""

import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

LINES = {
    "A1": "Organization → pipelines → stages → leads → activities; a lead is in exactly one stage",
    "A2": "Several independent pipelines; the defaults of a new organization",
    "A3": "Stages are added, removed, renamed, reordered, archived",
    "A4": "Closed-won and closed-lost: history, conversion, agents stop",
    "A5": "What a lead carries; custom fields of every type",
    "A6": "The owner is a person or an agent",
    "A7": "Every meaningful event appends an activity; nothing is changed or deleted",
    "A8": "Who, when, old and new; the state at any past moment",
    "A9": "The timeline names the actor",
    "A10": "Filters in any combination, saved per person",
    "A11": "Moving between pipelines; board, list, history; import; enrichment; lead search",
    "A12": "A lead lands at 11pm; by morning it is qualified, owned and scheduled",
    "B1": "Dashboard, Add Lead, inline status",
    "B2": "Stage fields; probability weighs the value",
    "B3": "Statuses",
    "B4": "crm.leads.capture, without authentication",
    "B5": "moveStage logs by itself; logActivity",
    "B6": "Score 0–100, bands, immutable numbered rows with reasons",
    "B7": "The four jobs; SLA escalation",
    "B8": "crm.leads.list and crm.leads.pipelineSummary",
    "B9": "Permissions; every state change in the audit log",
    "B10": "Sources",
    "B11": "The real tRPC clients work",
    "C1": "Every route of document C",
    "C2": "Pipeline membership makes a lead an opportunity",
    "C3": "qualify and convert",
    "C4": "route-unassigned and routing rules",
    "C5": "Follow-ups and tasks",
    "C6": "Activities per lead, and the organization's log",
    "C7": "Scoring rules are configured; single, batch, analytics",
    "C8": "Enrichment",
    "C9": "Stage transitions emit lead.stage_changed",
}
_NAMED = re.compile(r"\b([ABC]\d{1,2})\b")
_SPOKEN = re.compile(r"(?:Spec |^)((?:[ABC]\d{1,2}(?:, | and )?)+)", re.MULTILINE)
_RANGE = re.compile(r"\b([ABC])(\d{1,2})[–-][ABC]?(\d{1,2})\b")
_proofs: dict[str, set[str]] = {}
_failed: set[str] = set()


def lines_of(text: str) -> set[str]:
    """The lines that a docstring names; "C1–C6" names six."""
    for letter, first, last in _RANGE.findall(text):
        text += "".join(f" Spec {letter}{number}." for number in range(int(first), int(last) + 1))
    return {line for spoken in _SPOKEN.findall(text) for line in _NAMED.findall(spoken)}


def _title(item: pytest.Item) -> str:
    return item.nodeid.split("[")[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        own, around = (getattr(getattr(item, kind, None), "__doc__", None) or "" for kind in ("function", "module"))
        for line in lines_of(own) | lines_of(around):
            if line not in LINES:
                raise pytest.UsageError(f"{item.nodeid} names the line {line}, which the specification does not have.")
            _proofs.setdefault(line, set()).add(_title(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        _failed.add(_title(item))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    told = getattr(session.config, "workeroutput", None)
    if told is not None:  # one of several processes: who gathers them writes
        told["spec"] = [{line: sorted(proofs) for line, proofs in _proofs.items()}, sorted(_failed)]
    elif os.environ.get("BATON_SPEC"):
        Path(__file__).parents[1].joinpath("docs", "spec.md").write_text(table(), encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    proofs, failed = getattr(node, "workeroutput", {}).get("spec", ({}, ()))
    for line, tests in proofs.items():
        _proofs.setdefault(line, set()).update(tests)
    _failed.update(failed)


def table() -> str:
    """The page: every line, and the tests that prove it."""
    rows = ["# The specification, line by line", "", "Written by `make spec` from the run of the tests.", ""]
    rows += ["| line | what | proved by |", "|---|---|---|"]
    for line, what in LINES.items():
        proofs = sorted(_proofs.get(line, set()) - _failed)
        told = "<br>".join(f"`{proof.removeprefix('tests/').replace('.py::', ' · ')}`" for proof in proofs) or "—"
        rows.append(f"| {line} | {what} | {told} |")
    return "\n".join(rows) + "\n"
