"""What the command line says: where Baton is, how to sign in, what went wrong."""

import json
import shlex

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from baton.doors.demo import DemoFacts
from baton.kernel.settings import Settings

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def tell(message: str) -> None:
    """A step that takes a while."""
    err.print(f"[dim]{escape(message)}[/]")


def failed(message: str) -> None:
    """What went wrong, and what to do."""
    err.print(f"[bold red]✗[/] {escape(message)}")


def done(message: str) -> None:
    """What was achieved."""
    out.print(f"[bold green]✓[/] {escape(message)}")


def ready(settings: Settings, facts: DemoFacts | None) -> None:
    """Where Baton is and, for the demo organization, who can sign in and how a lead is captured."""
    out.print()
    out.print(f"[bold]Baton is ready:[/] [link={settings.public_url}]{settings.public_url}[/]")
    if facts is None:
        out.print("\nNo organization yet? [bold]baton init[/] makes the first. Ctrl+C stops Baton; the data stays.")
        return
    people = Table(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    for person in facts.people:
        people.add_row(escape(person.name), person.role, escape(person.email), escape(person.password))
    out.print("\n[bold]Sign in[/] as one of")
    out.print(people)
    out.print("\n[bold]Capture a lead[/], as a website's form would:")
    out.print(escape(capture_command(settings, str(facts.org_id))))
    out.print(f"\n[bold]Its form[/], for people and for embedding: {settings.public_url}/f/{facts.form_address}")
    out.print(f"\n[dim]The data is in {escape(str(settings.data_dir))} and survives restarts. Ctrl+C stops Baton.[/]")


def capture_command(settings: Settings, org_id: str) -> str:
    """A curl for the public capture endpoint (Spec B4)."""
    lead = {
        "orgId": org_id,
        "firstName": "Jane",
        "lastName": "Smith",
        "email": "jane@example.com",
        "source": "website",
    }
    url = f"{settings.public_url}/api/trpc/crm.leads.capture"
    return f"curl {shlex.quote(url)} \\\n  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(json.dumps(lead))}"
