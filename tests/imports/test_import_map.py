"""The headers of other systems become fields by themselves, and their words sources, stages and statuses."""

from pathlib import Path
from uuid import uuid4

import pytest

from baton.imports.headers import TARGETS, key, recognise
from baton.imports.map import plan
from baton.imports.options import Options
from baton.imports.read import open_table
from baton.imports.vocabulary import Ladder, source_of
from baton.leads.facts import SOURCES
from baton.pipelines.pipeline import Pipeline, Stage, Status

SALESFORCE = """
    Lead ID=externalId, First Name=firstName, Last Name=lastName, Title=title, Company / Account=companyName,
    Email=email, Phone=phone, Mobile=phone, Website=website, Street=, City=city, State/Province=state, Zip/Postal
    Code=, Country=country, Lead Source=source, Lead Status=status, Industry=industry, Rating=, Annual Revenue=, No.
    of Employees=companySize, Lead Owner=owner, Create Date=createdAt, Last Activity=lastActivityAt,
    Description=message, Converted=converted
"""
SALESFORCE_API = """
    Id=externalId, FirstName=firstName, LastName=lastName, Company=companyName, LeadSource=source, Status=status,
    NumberOfEmployees=companySize, IsConverted=converted, CreatedDate=createdAt, MobilePhone=phone, StageName=stage,
    Amount=value, CloseDate=expectedCloseDate, Account.Name=companyName, Owner.Name=owner, CurrencyIsoCode=currency
"""
HUBSPOT = """
    Record ID=externalId, First Name=firstName, Last Name=lastName, Email=email, Phone Number=phone, Mobile Phone
    Number=phone, Contact owner=owner, Lead Status=status, Create Date=createdAt, Last Activity Date=lastActivityAt,
    Associated Company=companyName, Job Title=title, Website URL=website, City=city, State/Region=state,
    Country/Region=country, Original Source=source, Number of Employees=companySize, Industry=industry
"""
HUBSPOT_DEALS = """
    Record ID=externalId, Deal Name=name, Deal Stage=stage, Amount=value, Close Date=expectedCloseDate, Deal
    owner=owner, Pipeline=
"""
PIPEDRIVE = """
    Deal - ID=externalId, Deal - Title=name, Deal - Value=value, Deal - Currency of Value=currency, Deal -
    Stage=stage, Deal - Status=status, Deal - Owner=owner, Deal - Expected close date=expectedCloseDate, Deal -
    Organization=companyName, Deal - Contact person=, Deal - Deal created=createdAt, Person - Email - Work=email,
    Person - Phone - Work=phone
"""
ZOHO = """
    Record Id=externalId, Lead Owner=owner, Company=companyName, First Name=firstName, Last Name=lastName,
    Designation=title, Email=email, Phone=phone, Website=website, Lead Source=source, Lead Status=status,
    Industry=industry, No of Employees=companySize, Created Time=createdAt, Last Activity Time=lastActivityAt,
    City=city, State=state, Country=country, Description=message, Tag=tags
"""
APOLLO = """
    First Name=firstName, Last Name=lastName, Title=title, Company=companyName, Email=email, Email Status=,
    Seniority=, Contact Owner=owner, Work Direct Phone=phone, Mobile Phone=phone, Corporate Phone=phone,
    Stage=stage, Lists=tags, Last Contacted=lastActivityAt, # Employees=companySize, Industry=industry, Keywords=,
    Person Linkedin Url=, Website=website, City=city, State=state, Country=country, Annual Revenue=, Apollo Contact
    Id=externalId
"""
FACEBOOK = """
    id=externalId, created_time=createdAt, ad_id=, ad_name=, adset_id=, adset_name=, campaign_id=, campaign_name=,
    form_id=, form_name=, is_organic=, platform=, full_name=name, email=email, phone_number=phone,
    company_name=companyName, job_title=title, city=city, lead_status=status
"""
GOOGLE = """
    Google Click ID=, Lead Submit Time=createdAt, Full Name=name, User Email=email, User Phone=phone, Company
    Name=companyName, Job Title=title, Work Email=email, City=city, Postal Code=, Country=country
"""
GERMAN = """
    Vorname=firstName, Nachname=lastName, E-Mail=email, Telefon=phone, Firma=companyName, Stadt=city, Land=country,
    Quelle=source
"""

SYSTEMS = {
    "Salesforce": SALESFORCE, "Salesforce API": SALESFORCE_API, "HubSpot": HUBSPOT, "HubSpot deals": HUBSPOT_DEALS, "Pipedrive": PIPEDRIVE,
    "Zoho": ZOHO, "Apollo": APOLLO, "Facebook": FACEBOOK, "Google": GOOGLE, "German": GERMAN,
}  # fmt: skip


@pytest.mark.parametrize("name", SYSTEMS)
def test_headers_of_other_systems_are_known(name: str) -> None:
    pairs = [" ".join(pair.split()).rpartition("=") for pair in SYSTEMS[name].split(",")]
    _, found = recognise(tuple(header for header, _, _ in pairs))
    assert {header: (each[0] if each else "") for (header, _, _), each in zip(pairs, found, strict=True)} == {
        header: target for header, _, target in pairs
    }


def test_no_header_means_two_things_and_every_target_has_a_header() -> None:
    assert key("Lead_Number") == key("lead number") == key("LeadNumber")
    found = {target[0] for target in recognise(tuple(f"{target}" for target in TARGETS))[1] if target}
    assert found == set(TARGETS)


@pytest.mark.parametrize(
    ("headers", "system", "source"),
    [
        (("id", "ad_id", "form_id", "created_time"), "a Facebook lead form", "paid_ads"),
        (("title", "placeId", "categoryName"), "Google Places", "cold_outreach"),
        (("Name", "Email"), None, None),
    ],
)
def test_systems_are_told_by_what_only_they_have(
    headers: tuple[str, ...], system: str | None, source: str | None
) -> None:
    found, _ = recognise(headers)
    assert (found.name if found else None, found.source if found else None) == (system, source)


def test_content_overrules_a_header_unless_a_person_said_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Name,Last Activity,Email,Value\nA,Email Opened,yes,high\nB,SMS Sent,no,low\n")
    table = open_table(path)
    becomes = {column.header: column.target for column in plan(table, Options(), "USD").columns}
    assert becomes == {"Name": "name", "Last Activity": None, "Email": None, "Value": None}
    chosen = plan(table, Options(mapping={"Value": "value"}), "USD")
    assert chosen.columns[3].target == "value"


def test_of_two_columns_for_one_field_the_better_name_wins(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Contact Person,Full Name,Mobile,Phone\nX,Ana Rey,1,2\n")
    assert [column.target for column in plan(open_table(path), Options(), "USD").columns] == [
        None,
        "name",
        "phone",
        "phone",
    ]


@pytest.mark.parametrize(
    ("word", "source"),
    [
        ("Google", "organic_search"), ("Direct Traffic", "website"), ("Reference", "referral"), ("PAID_SEARCH", "paid_ads"),
        ("facebook", "social_media"), ("Trade Show", "event"), ("Cold Call", "cold_outreach"), ("Partner", "partner"),
        ("Welingak Website", "website"), ("Olark Chat", "website"), ("unknown", "other"), ("carrier pigeon", None),
    ],
)  # fmt: skip
def test_words_for_sources(word: str, source: str | None) -> None:
    assert source_of(word) == source
    assert source is None or source in SOURCES


def pipeline(*stages: tuple[str, Status]) -> Pipeline:
    id = uuid4()
    made = [
        Stage(
            id=uuid4(), pipeline_id=id, name=name, position=n, probability=50, colour="#000000", status=status,
            auto_nurture=False, sla_days=None, external_id=None, archived_at=None, version=1,
            outcome="won" if status == "won" else "lost" if status == "lost" else "open",
        )
        for n, (name, status) in enumerate(stages)
    ]  # fmt: skip
    return Pipeline(
        id=id,
        name="P",
        type="lead",
        position=0,
        is_intake=True,
        external_id=None,
        archived_at=None,
        version=1,
        stages=made,
    )


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["Talking"], ("Talking", "contacted")), (["closed-won"], ("Done", "won")), (["Closed Lost"], ("Gone", "lost")),
        (["Unqualified"], ("Gone", "disqualified")), (["Proposal/Price Quote"], None), (["Engaging"], ("Talking", "contacted")),
        (["Talking", "Won"], ("Done", "won")), (["Talking", "open"], ("Talking", "contacted")), (["whatever"], None), ([], None),
    ],
)  # fmt: skip
def test_stages_are_found_by_name_or_meaning_and_an_end_outweighs_a_way_there(
    texts: list[str], found: tuple[str, str] | None
) -> None:
    ladder = Ladder(pipeline(("Fresh", "new"), ("Talking", "contacted"), ("Done", "won"), ("Gone", "lost")))
    stage = ladder.find(texts)
    assert (stage and (stage[0].name, stage[1])) == found
