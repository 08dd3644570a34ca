"""In CI a skipped test fails the run: what CI could not look at is not known to work."""

import os

import pytest


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if os.environ.get("BATON_CI") and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = len(terminalreporter.stats.get("skipped", []))
    if os.environ.get("BATON_CI") and skipped:
        terminalreporter.section("BATON_CI")
        terminalreporter.line(f"{skipped} skipped: in CI that is a failure. The reasons stand above.")
