"""In CI a skipped test fails the run: what CI could not look at is not known to work. Files for trial alone may be missing."""

import os

import pytest

_FOR_TRIAL = "../shared/data is missing"


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get("skipped", []) if reporter else []
    return sum(_FOR_TRIAL not in str(report.longrepr) for report in reports)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if os.environ.get("BATON_CI") and exitstatus == pytest.ExitCode.OK and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skipped = _skipped(config)
    if os.environ.get("BATON_CI") and skipped:
        terminalreporter.section("BATON_CI")
        terminalreporter.line(f"{skipped} skipped: in CI that is a failure. The reasons stand above.")
