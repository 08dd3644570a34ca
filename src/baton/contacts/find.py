"""Finding people, companies and customers: by search, in an order, page after page by cursor."""

from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

from baton.contacts import company as companies
from baton.contacts import records
from baton.contacts.company import Company
from baton.contacts.contact import JOINED, SELECTED, Contact
from baton.contacts.customers import Customer
from baton.contacts.records import COMPANY
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.page import Page, Total, counting, cursor, position, up_to
from baton.kernel.shapes import Cursor, PageSize, Words
from baton.kernel.values import Ref

MAX_LIMIT = 200
T = TypeVar("T")


class ListPeople(Input, kw_only=True):
    """A search (words that begin those of name and e-mail, or a phone), a company, an order, and a page of 1–200."""

    search: Words | None = None
    company_id: Ref | None = None
    sort: Literal["createdAt", "name"] = "createdAt"
    descending: bool | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None
    count: bool = False


class ListCompanies(Input, kw_only=True):
    """A search (words that begin those of name and website), an order, and a page of 1–200."""

    search: Words | None = None
    sort: Literal["createdAt", "name"] = "createdAt"
    descending: bool | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None
    count: bool = False


class ListCustomers(Input, kw_only=True):
    """A page of 1–200 customers, newest first; those of a contact or a company, if named."""

    contact_id: Ref | None = None
    company_id: Ref | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None
    count: bool = False


@operation("crm.contacts.find", kind="query", role=Role.VIEWER, summary="Find contacts")
async def find_people(tx: Tx, actor: Actor, input: ListPeople) -> Page[Contact]:
    """The contacts that are not merged into others, in one statement, or two with `count`. Raises Invalid, NotFound."""
    tests, args = _searched(tx, "contacts", input.search)
    tests += " AND c.erased_at IS NULL"
    if input.company_id is not None:
        args.append((await records.find(tx, COMPANY, input.company_id))["id"])
        tests += f" AND c.company_id = ${len(args)}"
    rows, more, total = await _page(tx, SELECTED, JOINED, tests, args, input)
    return _shown([Contact(**_of(row, Contact)) for row in rows], more, total)


@operation("crm.companies.find", kind="query", role=Role.VIEWER, summary="Find companies")
async def find_companies(tx: Tx, actor: Actor, input: ListCompanies) -> Page[Company]:
    """The companies that are not merged into others, in one statement, or two with `count`. Raises Invalid."""
    tests, args = _searched(tx, "companies", input.search)
    rows, more, total = await _page(tx, "c.*", "companies c", tests, args, input)
    return _shown([companies.from_row(row) for row in rows], more, total)


@operation("crm.customers.find", kind="query", role=Role.VIEWER, summary="Find customers")
async def find_customers(tx: Tx, actor: Actor, input: ListCustomers) -> Page[Customer]:
    """Who has bought, newest first, in one statement, or two with `count`. Raises Invalid, NotFound."""
    tests, args = "c.org_id = $1", [tx.org_id]
    for sort, ref in ((records.CONTACT, input.contact_id), (COMPANY, input.company_id)):
        if ref is not None:
            args.append((await records.find(tx, sort, ref))["id"])
            tests += f" AND c.{sort.reference} = ${len(args)}"
    rows, more, total = await _page(tx, "c.*", "customers c", tests, args, input)
    return _shown([Customer(**_of(row, Customer)) for row in rows], more, total)


def _shown(items: list[T], more: str | None, total: Total) -> Page[T]:
    return Page(items=items, next_cursor=more, total=total.number, total_is_estimate=total.is_estimate)


def _of(row: Row, type: type[Any]) -> dict[str, Any]:
    return {name: row[name] for name in type.__struct_fields__}


def _searched(tx: Tx, table: str, search: str | None) -> tuple[str, list[Any]]:
    tests = "c.org_id = $1 AND c.merged_into_id IS NULL AND c.deleted_at IS NULL"
    args: list[Any] = [tx.org_id]
    if search and search.strip():
        args.append(search)
        tests += f" AND c.id IN (SELECT search_{table}(${len(args)}))"
    return tests, args


async def _page(
    tx: Tx, selected: str, source: str, tests: str, args: list[Any], input: Any
) -> tuple[list[Row], str | None, Total]:
    """A page of rows in the order asked, the cursor of the next one, and the total where it was asked for."""
    if not 1 <= input.limit <= MAX_LIMIT:
        raise Invalid(f"A page has 1 to {MAX_LIMIT} entries.", field="limit")
    counted = counting(source.partition(" LEFT JOIN ")[0], tests)
    total = up_to(await tx.fetchval(counted, *args)) if input.count else Total(None)
    by_name = getattr(input, "sort", "createdAt") == "name"
    column, kind = ("c.name", str) if by_name else ("c.created_at", datetime)
    asked = getattr(input, "descending", None)
    direction, beyond = ("DESC", "<") if (not by_name if asked is None else asked) else ("ASC", ">")
    if input.cursor is not None:
        args += position(input.cursor, kind, UUID)
        tests += f" AND ({column}, c.id) {beyond} (${len(args) - 1}, ${len(args)})"
    rows = await tx.fetch(
        f"""SELECT {selected}, {column} AS sorted_by FROM {source} WHERE {tests}
             ORDER BY {column} {direction}, c.id {direction} LIMIT {input.limit + 1}""",
        *args,
    )
    last = rows[input.limit - 1] if len(rows) > input.limit else None
    return rows[: input.limit], cursor(last["sorted_by"], last["id"]) if last else None, total
