"""What the columns of other systems are called, and which field of a lead each of those names means."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from baton.kernel.values import fold

Target = Literal[
    "externalId", "name", "firstName", "lastName", "email", "phone", "website", "title", "companyName", "companySize",
    "industry", "location", "city", "state", "country", "source", "status", "stage", "converted", "owner",
    "value", "currency", "tags", "message", "createdAt", "lastActivityAt", "expectedCloseDate",
]  # fmt: skip
"""The fields that a column can be mapped to."""
TARGETS: tuple[Target, ...] = get_args(Target)
SEVERAL: frozenset[Target] = frozenset(("email", "phone", "website", "tags"))
"""Fields that more than one column may feed: the first that holds something usable counts, the others stay as they are."""
DEAL_NAMES = frozenset(("opportunityname", "dealname", "potentialname", "dealtitle", "leadtitle"))
"""Headers of names that are a deal's and not a person's."""

# In each list the names stand in the order in which they are preferred.
_NAMES: dict[Target, str] = {
    "externalId": """
        external id, externalid, prospect id, lead id, leadid, record id, record id - contact, record id - deal,
        opportunity id, deal id, contact id, deal - id, lead - id, person - id, mql id, place id, placeid, apollo
        contact id, hs object id, hubspot id, salesforce id, zoho id, customer id, lead number, lead no, deal
        number, unique id, uuid, id
    """,
    "name": """
        opportunity name, deal name, dealname, potential name, deal - title, lead - title, lead name, full name,
        fullname, contact name, person name, person - name, name, contact person, deal - contact person, lead -
        contact person, contact, customer name, your name, nome, nombre, nom complet, vollstandiger name,
        ansprechpartner, associated contact
    """,
    "firstName": """
        first name, firstname, given name, forename, first, vorname, prenom, nombre de pila, primeiro nome, person -
        first name, fname
    """,
    "lastName": """
        last name, lastname, surname, family name, last, nachname, familienname, nom, apellido, apellidos,
        sobrenome, cognome, person - last name, lname
    """,
    "email": """
        email, e-mail, email address, e-mail address, mail, work email, business email, company email, user email,
        person - email, person - email - work, primary email, contact email, email 1, secondary email, personal
        email, person - email - home, person - email - other, alternate email, e-mail-adresse, correo, correo
        electronico, adresse e-mail, courriel, emailaddress
    """,
    "phone": """
        phone, phone number, telephone, tel, tel., person - phone, person - phone - work, work phone, business
        phone, user phone, work direct phone, direct phone, first phone, mobile, mobile phone, mobile phone number,
        mobilephone, cell, cell phone, person - phone - mobile, phone 1, corporate phone, company phone, home phone,
        person - phone - home, other phone, whatsapp, telefon, telefonnummer, handy, mobil, telefono, telefone,
        celular, telephone portable, portable, phonenumber
    """,
    "website": """
        website, website url, web site, url, company website, homepage, domain, company domain name, webseite, site
        web, sitio web, organization - website
    """,
    "title": """
        title, job title, jobtitle, position, role, designation, job role, job position, contact title, person - job
        title, berufsbezeichnung, cargo, poste, puesto
    """,
    "companyName": """
        company, company name, company / account, account name, account.name, account, organization, organisation,
        organization - name, person - organization, deal - organization, lead - organization, organization name,
        associated company, business name, business, employer, firma, firmenname, unternehmen, empresa, entreprise,
        societe, companyname, accountname
    """,
    "companySize": """
        company size, companysize, employees, # employees, no. of employees, no of employees, number of employees,
        numberofemployees, employee count, headcount, num employees, mitarbeiter, organization - number of employees
    """,
    "industry": """
        industry, sector, company industry, category, categoryname, branche, industria, secteur, business segment,
        vertical
    """,
    "location": """
        location, address, full address, office location, company address, organization - address, region, standort,
        ort, ubicacion
    """,
    "city": "city, town, billing city, mailing city, company city, stadt, ciudad, ville, cidade",
    "state": """
        state, state/province, state/region, province, billing state, billing state/province, mailing state, mailing
        state/province, company state, bundesland, estado
    """,
    "country": "country, country/region, billing country, mailing country, company country, land, pais, pays",
    "source": """
        source, lead source, leadsource, lead - source, deal - source, origin, original source, original traffic
        source, utm source, utm_source, channel, latest source, latest traffic source, acquisition channel, quelle,
        herkunft
    """,
    "status": """
        status, lead status, lead_status, hs_lead_status, deal - status, lifecycle stage, lifecyclestage, lead -
        status, opportunity status
    """,
    "stage": """
        stage, deal stage, dealstage, stage name, stagename, sales stage, deal - stage, opportunity stage, pipeline
        stage, phase, funnel stage
    """,
    "converted": "converted, is converted, isconverted, is_converted",
    "owner": """
        owner, lead owner, contact owner, deal owner, opportunity owner, account owner, deal - owner, lead - owner,
        person - owner, record owner, owner name, owner email, assigned to, assignee, sales agent, sales rep,
        salesperson, rep, owner.name, hubspot owner id
    """,
    "value": """
        value, amount, deal value, deal amount, deal - value, lead - value, opportunity value, opportunity amount,
        close value, estimated value, potential value, expected revenue, budget, betrag, wert, valor, montant,
        importe
    """,
    "currency": """
        currency, currency code, currency iso code, currencyisocode, deal - currency, deal - currency of value, lead
        - currency, deal currency, wahrung
    """,
    "tags": "tags, tag, labels, label, lead - label, lead - labels, person - label, deal - label, lists, segments",
    "message": """
        message, notes, note, comments, comment, description, remarks, your message, bemerkung, nachricht, notizen,
        mensaje, mensagem
    """,
    "createdAt": """
        created at, createdat, created, created date, create date, createdate, created time, created_time,
        createddate, date created, creation date, lead created, deal - deal created, lead - lead created, first
        contact date, lead submit time, submission time, submitted at, signup date, date added, added, timestamp,
        erstellt am, fecha de creacion
    """,
    "lastActivityAt": """
        last activity, last activity date, last activity time, last contacted, last contact, last contact date, last
        activity at, lastactivitydate, last touch, deal - last activity date, notes_last_contacted
    """,
    "expectedCloseDate": """
        close date, closedate, expected close date, expected closing date, estimated close date, deal - expected
        close date, lead - expected close date, closing date, forecast close date, expected close
    """,
}


def key(header: str) -> str:
    """What two spellings of a header share: "Lead_Number", "lead number" and "LeadNumber" are one."""
    return re.sub(r"[^a-z0-9#]+", "", fold(header))


_BY_KEY: dict[str, tuple[Target, int]] = {}
for _target, _names in _NAMES.items():
    for _rank, _name in enumerate(_names.replace("\n", " ").split(",")):
        _BY_KEY.setdefault(key(_name), (_target, _rank))


@dataclass(frozen=True, slots=True)
class System:
    """A system whose exports are told by the headers that only they have together, and what differs in them."""

    name: str
    signature: frozenset[str]
    overrides: dict[str, Target | None]
    source: str | None = None
    """Where its leads come from, if no column says so (Spec B10)."""
    passed_over: frozenset[str] = frozenset()
    """Columns that tell what only the system itself can know."""
    exact: bool = False
    """Whether its values are ours: they are taken as they stand, and nothing about them is asked."""


_SYSTEMS = (
    System(
        "Baton",
        frozenset(("batonleadid",)),
        {"batonleadid": "externalId"},
        passed_over=frozenset(
            ("pipeline", "score", "createdat", "lastactivityat", "nextactionat", "qualifiedat", "closedat")
        ),
        exact=True,
    ),
    System(
        "Google Places",
        frozenset(("title", "placeid", "categoryname")),
        {"title": "companyName", "url": None},
        "cold_outreach",
    ),
    System(
        "a Facebook lead form",
        frozenset(("adid", "formid", "createdtime")),
        {"id": "externalId", "platform": None},
        "paid_ads",
    ),
    System("a Google lead form", frozenset(("gclid", "campaignid")), {}, "paid_ads"),
    System("a Google lead form", frozenset(("googleclickid", "leadsubmittime")), {}, "paid_ads"),
    System("HubSpot", frozenset(("dealname", "dealstage")), {"associatedcontact": None}),
    System("Pipedrive", frozenset(("dealtitle",)), {"dealcontactperson": None, "personname": None}),
)


def recognise(headers: tuple[str, ...]) -> tuple[System | None, list[tuple[Target, int] | None]]:
    """The system that a table comes from, where its headers tell, and for each header (field, preference) or None."""
    keys = [key(header) for header in headers]
    system = next((each for each in _SYSTEMS if each.signature <= set(keys)), None)
    overrides = system.overrides if system else {}
    return system, [_overridden(overrides[each]) if each in overrides else _BY_KEY.get(each) for each in keys]


def _overridden(target: Target | None) -> tuple[Target, int] | None:
    return (target, -1) if target else None
