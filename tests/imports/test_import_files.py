"""Real exports of other systems: every row is in, or named with its reason; a second run creates nothing. Spec A11."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.imports.conftest import Office

from baton.imports.load import load
from baton.imports.options import ImportReport, Options
from baton.imports.read import open_table
from baton.imports.table import Notes, Refusal

DATA = Path(__file__).parents[3] / "shared" / "data"


@dataclass(frozen=True)
class File:
    """A file of the collection: its rows, how many of them are leads, and into which pipeline they go."""

    path: str
    rows: int
    created: int
    pipeline: str = "Inbound"


FILES = [
    File("messy_x_education_doublequoted/Lead Scoring.csv", 9240, 9240),
    File("maven_crm_opportunities/accounts.csv", 85, 85),
    File("maven_crm_opportunities/sales_teams.csv", 35, 0),
    File("maven_crm_opportunities/products.csv", 7, 0),
    File("maven_crm_opportunities/data_dictionary.csv", 7, 0),
    File("olist_funnel/olist_marketing_qualified_leads_dataset.csv", 8000, 8000),
    File("olist_funnel/olist_closed_deals_trimmed.csv", 380, 380),
    File("salesforce_small/Contacts.csv", 15, 15),
    File("salesforce_small/Accounts.csv", 10, 10),
    File("salesforce_small/Opportunities.csv", 12, 12, "Deals"),
    File("salesforce_small/Customer_Interactions.csv", 30, 30),
]
X_EDUCATION = File("x_education_leads/Leads.csv", 9240, 9240)
HUBSPOT_CONTACTS = File("hubspot_migration/contacts.csv", 479, 479)
HUBSPOT_DEALS = File("hubspot_migration/deals.csv", 598, 598, "Deals")
MAVEN = File("maven_crm_opportunities/sales_pipeline.csv", 8800, 8800, "Deals")
PLACES = File("google_places_hvac/dataset_crawler-google-places.json", 3198, 3198, "New Outbound")
SALESFORCE = File("salesforce_small/Leads.csv", 20, 20)


def shared(path: str) -> Path:
    if not DATA.is_dir():
        pytest.skip("../shared/data is missing: real files of other systems were NOT imported")
    return DATA / path


async def twice(office: Office, file: File) -> ImportReport:
    """Import a file, account for every row, and see that a second run changes nothing."""
    there = await office.count("leads")
    options = Options(pipeline=file.pipeline)
    report = await load(office.db, office.ana, shared(file.path), options)
    assert (report.rows, report.created, report.duplicates) == (file.rows, file.created, 0)
    assert len(report.refused) == file.rows - file.created
    assert report.questions == []
    assert await office.count("leads") == there + file.created
    log = await office.rows(
        "SELECT kind FROM activities WHERE org_id = $1 AND lead_id IS NOT NULL AND operation_id = $2",
        report.operation_id,
    )
    assert Counter(row["kind"] for row in log) == {
        kind: file.created for kind in ("lead_imported", "lead_scored") if file.created
    }
    before = await office.count("activities")
    second = await load(office.db, office.ana, shared(file.path), options)
    assert (second.created, second.duplicates, len(second.refused)) == (0, file.created, file.rows - file.created)
    assert await office.count("activities") == before
    return report


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
async def test_every_row_is_in_or_named_and_a_second_run_creates_nothing(office: Office, file: File) -> None:
    await twice(office, file)


async def test_x_education(office: Office) -> None:
    report = await twice(office, X_EDUCATION)
    leads = await office.leads()
    assert Counter(lead["stage"] for lead in leads) == {"Closed-Won": 3561, "New lead": 5679}
    assert any("says converted" in warning for warning in report.warnings)
    first = leads[0]
    assert (first["name"], first["external_id"]) == ("Lead 660737", "7927b2df-8bba-4d29-b9a2-b6e0beafe620")
    assert (first["source"], first["tags"], first["location"]) == ("website", ["Interested in other courses"], None)
    assert first["fields"]["Last Activity"] == "Page Visited on Website"
    assert len(first["fields"]) == 33


def test_rows_wrapped_in_quotes_are_recovered_and_equal_the_clean_file() -> None:
    notes = Notes()
    messy = list(open_table(shared("messy_x_education_doublequoted/Lead Scoring.csv")).rows(notes))
    clean = {row.cells[0]: row.cells for row in open_table(shared("x_education_leads/Leads.csv")).rows()}
    assert any("338 times, first on line 24" in sentence for sentence in notes.sentences())
    assert not [row for row in messy if isinstance(row, Refusal)]
    recovered = next(row for row in messy if row.line == 24)
    assert recovered.cells[12] == "Banking, Investment And Insurance"
    assert {row.cells[0] for row in messy} == set(clean)


async def test_hubspot(office: Office) -> None:
    report = await twice(office, HUBSPOT_CONTACTS)
    assert any("unique_id" in warning for warning in report.warnings)
    deals = await twice(office, HUBSPOT_DEALS)
    assert any("close date: read as mdy" in warning for warning in deals.warnings)
    stages = Counter(lead["stage"] for lead in await office.leads() if lead["expected_close_date"])
    assert stages == {"Closed Won": 200, "Negotiation": 195, "Discovery": 203}


async def test_maven(office: Office) -> None:
    await twice(office, MAVEN)
    leads = await office.leads()
    assert Counter(lead["status"] for lead in leads)["won"] == 4238
    assert Counter(lead["status"] for lead in leads)["lost"] == 2473
    assert sum(lead["value_cents"] or 0 for lead in leads) == 1_000_553_400
    assert leads[0]["expected_close_date"].isoformat() == "2017-03-01"
    assert leads[0]["fields"]["sales_agent"] == "Moses Frase"


async def test_google_places(office: Office) -> None:
    report = await twice(office, PLACES)
    assert report.system == "Google Places"
    first = (await office.leads())[0]
    assert (first["company_name"], first["source"]) == ("20th Century Air", "cold_outreach")
    assert first["location"] == "3071 E Ceena Ct, Anaheim, CA 92806"
    assert first["fields"]["postalCode"] == 92806


async def test_salesforce(office: Office) -> None:
    await twice(office, SALESFORCE)
    first = (await office.leads())[0]
    assert (first["name"], first["status"], first["source"], first["phone"]) == (
        "Lead1 Johnson",
        "contacted",
        "referral",
        "+442079461001",
    )
    assert (first["title"], first["location"]) == ("Operations Manager", "Manchester, UK")
