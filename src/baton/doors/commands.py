"""What a person or a script does with an installation: make an organization, look at the demo, import a file."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.prompt import Prompt

from baton.accounts import reset_password
from baton.accounts.found import Found
from baton.agents.start_organization import start_organization
from baton.doors import words
from baton.doors.demo_json import demo_json
from baton.doors.export_file import export_file, format_of
from baton.doors.import_file import import_file
from baton.doors.process import demo_organization, with_database
from baton.doors.rest import decoded
from baton.exports.export import ExportLeads
from baton.imports.options import Options, mapping_from
from baton.kernel.db import Database
from baton.kernel.decode import decode_as
from baton.kernel.errors import Invalid
from baton.kernel.settings import Settings

Data = Annotated[
    Path | None, Parameter(help="The data directory. Else BATON_DATA, or the nearest .baton folder above.")
]


def init(
    *,
    organization: str | None = None,
    name: str | None = None,
    email: str | None = None,
    password: str | None = None,
    currency: str = "USD",
    time_zone: str = "UTC",
    data: Data = None,
) -> None:
    """Make an organization, empty but for its pipelines and agents, and its first admin. Asks for what is not given.

    Args:
        organization: What the organization is called.
        name: The admin's name.
        email: The admin's e-mail, for signing in.
        password: The admin's password; better leave it out and be asked, or set BATON_ADMIN_PASSWORD.
        currency: The organization's currency, an ISO 4217 code.
        time_zone: The organization's time zone, such as Europe/Lisbon.
    """
    wanted = Found(
        name=_asked(organization, "Name of the organization", "--organization"),
        owner_name=_asked(name, "Your name", "--name"),
        owner_email=_asked(email, "Your e-mail", "--email"),
        owner_password=_asked(
            password or os.environ.get("BATON_ADMIN_PASSWORD"), "A password", "--password", hidden=True
        ),
        currency=currency,
        time_zone=time_zone,
    )

    async def body(settings: Settings, database: Database) -> None:
        started = await start_organization(database, wanted)
        words.done(f"{wanted.name} is there (organization {started.org_id}), and {wanted.owner_name} owns it.")
        words.out.print(f"  Start Baton with [bold]baton up[/] and sign in as {wanted.owner_email}.")
        words.out.print(f"  Its form for leads: {settings.public_url}/f/{started.form_address}")

    with_database(data, body, migrating=True)


def demo(*, json: Annotated[bool, Parameter(negative="")] = False, data: Data = None) -> None:
    """Make the demo organization, if it is not there yet, and tell who can sign in, with which tokens.

    Args:
        json: Answer as JSON, for scripts.
    """

    async def body(settings: Settings, database: Database) -> None:
        facts = await demo_organization(database, settings)
        if json:
            words.out.file.write(await demo_json(settings, database, facts) + "\n")
        else:
            words.ready(settings, facts)

    with_database(data, body, migrating=True)


def import_(
    file: Path,
    *,
    pipeline: str | None = None,
    organization: str | None = None,
    on_duplicate: Literal["skip", "update", "fill"] = "skip",
    map: Annotated[list[str] | None, Parameter(negative="")] = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    source: str | None = None,
    currency: str | None = None,
    date_order: str | None = None,
    decimal_mark: str | None = None,
    region: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    refused: Path | None = None,
    data: Data = None,
) -> None:
    """Import leads from a CSV or spreadsheet file. Running it again creates nothing twice.

    Args:
        file: The file; its first row names the columns.
        pipeline: The pipeline they go into, by name or id; else the intake.
        organization: The organization, by name or id, where there are several.
        on_duplicate: What a row does to a lead that is in already: skip it, update it, or fill only what it does not know.
        map: What a column becomes, as "Header=field"; repeat for more. Field "keep" keeps it as it is, "ignore" leaves it out.
        dry_run: Only say what would happen.
        source: Where the leads come from, such as referral or event, if no column says.
        currency: The currency of values, an ISO 4217 code.
        date_order: How to read 03/04/2026: dmy, mdy or ymd.
        decimal_mark: How to read 1,234: "point" or "comma".
        region: The country whose phone numbers have no prefix, such as PT.
        encoding: The file's encoding, if it is not found out rightly.
        delimiter: What divides the cells, if it is not found out rightly.
        sheet: The sheet of a workbook.
        refused: Write the refused rows to this file, with their reasons, to be mended and imported again.
    """
    options = Options(
        pipeline=pipeline,
        on_duplicate=on_duplicate,
        mapping=mapping_from(map or []),
        source=source,
        currency=currency,
        date_order=date_order,  # type: ignore[arg-type]  # checked by the import itself, which names the choices
        decimal_mark=decimal_mark,  # type: ignore[arg-type]
        region=region,
        encoding=encoding,
        delimiter=delimiter,
        sheet=sheet,
    )

    async def body(settings: Settings, database: Database) -> None:
        await import_file(database, file, options, organization=organization, dry_run=dry_run, refused=refused)

    with_database(data, body, migrating=False)


def export(
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    *,
    pipeline: str | None = None,
    organization: str | None = None,
    where: str | None = None,
    search: str | None = None,
    columns: str | None = None,
    sort: str = "createdAt",
    format: str | None = None,
    data: Data = None,
) -> None:
    """Export leads to a CSV, XLSX or JSON lines file. What was exported can be imported again: it is the same leads.

    Args:
        file: Where to write; its ending says the format. "-" is the standard output, for which --format is needed.
        pipeline: The pipeline whose leads are exported, by name or id; else all.
        organization: The organization, by name or id, where there are several.
        where: Which leads, as a condition in JSON.
        search: Words in names, companies, e-mails, phones and notes.
        columns: The columns, by name, with commas between them; else all, with every custom field.
        sort: The order, newest or largest first, such as createdAt, name or valueCents.
        format: csv, xlsx or jsonl, where the file's name does not say.
    """
    asked = decode_as(
        ExportLeads,
        {"format": format_of(file, format), "search": search, "sort": sort}
        | ({"where": decoded(where.encode())} if where else {})
        | ({"columns": [name.strip() for name in columns.split(",")]} if columns else {}),
    )

    async def body(settings: Settings, database: Database) -> None:
        await export_file(database, file, asked, organization=organization, pipeline=pipeline)

    with_database(data, body, migrating=False)


def reset_link(email: str, *, data: Data = None) -> None:
    """Make a link by which somebody chooses a new password, to be handed to them; good once, for 30 minutes.

    Args:
        email: The address that they sign in with.
    """

    async def body(settings: Settings, database: Database) -> None:
        words.out.print(await reset_password.link(database, email), soft_wrap=True, markup=False, highlight=False)

    with_database(data, body, migrating=False)


def _asked(given: str | None, question: str, option: str, *, hidden: bool = False) -> str:
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise Invalid(f"{option} is missing.")
    return Prompt.ask(question, password=hidden, console=words.err)
