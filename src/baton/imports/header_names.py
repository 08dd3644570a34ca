"""What columns are called, in other systems and in other languages, by the field of a lead that each name means."""

from typing import Literal

Target = Literal[
    "externalId", "name", "firstName", "lastName", "email", "phone", "website", "title", "companyName", "companySize",
    "industry", "location", "city", "state", "country", "source", "status", "stage", "converted", "owner",
    "value", "currency", "tags", "message", "createdAt", "lastActivityAt", "expectedCloseDate",
]  # fmt: skip
"""The fields that a column can be mapped to."""

# In each list the names stand in the order in which they are preferred.
NAMES: dict[Target, str] = {
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
        - currency, lead - currency of value, deal currency, wahrung, валюта, 通貨, 货币, waluta, moneda, devise, moeda, valuta
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


ELSEWHERE: dict[Target, str] = {
    "name": "氏名, 名前, お名前, 姓名, 联系人, фио, полное имя, контакт, imie i nazwisko, naam, namn, nimi",
    "firstName": """
        имя, 名, 名字, imie, voornaam, nome, etunimi, fornamn
    """,
    "lastName": """
        фамилия, 姓, 姓氏, nazwisko, achternaam, efternamn
    """,
    "email": """
        электронная почта, почта, メール, メールアドレス, eメール, 邮箱, 电子邮件, 邮件, 電子郵件, adres e-mail, e-mailadres,
        endereco de email, indirizzo email, e-post, epost
    """,
    "phone": """
        телефон, номер телефона, мобильный, 電話, 電話番号, 携帯電話, 电话, 手机, 手机号, 联系电话, numer telefonu,
        telefoonnummer, cellulare, puhelin, mobil
    """,
    "website": """
        сайт, веб-сайт, ウェブサイト, ホームページ, 网站, 网址, strona internetowa, sito web, website url
    """,
    "title": """
        должность, 役職, 职位, 职务, stanowisko, functie, qualifica
    """,
    "companyName": """
        компания, организация, название компании, 会社, 会社名, 企業名, 公司, 公司名称, 单位, nazwa firmy, bedrijf,
        bedrijfsnaam, azienda, foretag, yritys
    """,
    "industry": """
        отрасль, 業種, 业界, 行业, branza, branche, settore
    """,
    "city": """
        город, 市, 市区町村, 城市, miasto, stad, citta, plaats, gemeente
    """,
    "country": """
        страна, 国, 国家, kraj, land, paese
    """,
    "source": """
        источник, リードソース, 来源, zrodlo, bron, fonte, origen, origine
    """,
    "status": """
        статус, ステータス, 状态, 狀態, stato, estatus, statut
    """,
    "stage": """
        этап, стадия, フェーズ, 阶段, etap, fase, etapa, etape
    """,
    "owner": """
        ответственный, 担当者, 负责人, wlasciciel, eigenaar, propietario, responsable, responsavel,
        zustandig
    """,
    "value": """
        сумма, бюджет, 金額, 金额, kwota, wartosc, bedrag, importo, valore, waarde
    """,
    "message": """
        комментарий, примечание, заметки, 備考, メモ, 备注, uwagi, notatki, opmerkingen, note
    """,
    "createdAt": """
        дата создания, 作成日, 登録日, 创建时间, 创建日期, data utworzenia, aangemaakt op, data creazione, date de
        creation
    """,
    "tags": """
        теги, метки, タグ, 标签, etykiety, etiquetas, etiquettes
    """,
}
"""The same in further languages and scripts; what stands above comes first."""
