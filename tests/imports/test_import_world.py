"""Files of the world: scripts, encodings and shapes that nobody prepared; what comes in is right, and an undo leaves nothing. Spec A11."""

import json

import pytest
from tests.imports.desk import V1, Desk

GERMAN = "First Name;Last Name;Email;Company;Deal Amount;Close Date\nJürgen;Müller;j@grosz.example;Müller & Söhne;1.234,56 €;31.12.2024\n"
JAPANESE = "名前,メール,会社名,電話番号\n山田太郎,yamada@example.co.jp,山田商事株式会社,+81 3-1234-5678\n"
RUSSIAN = (
    "Имя;Фамилия;Телефон;Email;Компания;Сумма\nИван;Петров;+7 495 123-45-67;ivan@primer.example;ООО Ромашка;1500\n"
)
CHINESE = "姓名,邮箱,公司,电话\n王小明,wang@example.cn,北京科技有限公司,+86 138 0013 8000\n"
PIPEDRIVE = (
    "Lead - ID,Lead - Title,Lead - Value,Lead - Currency of Value,Person - Name\n7f3,Acme deal,1500,EUR,Ana Rey\n"
)
ZOHO = "Record Id,Full Name,First Name,Last Name,Company\nz1,Ms. Ana Rey,Ana,Rey,Acme\n"
WRAPPED = {"data": {"meta": {"page": 1}, "leads": [{"name": {"first": "Ana"}, "email": "ana@x.example"}]}}
FILES = {
    "utf-16": (GERMAN.encode("utf-16"), ("Jürgen Müller", "Müller & Söhne", 123_456, "EUR")),
    "utf-16-le": (GERMAN.encode("utf-16-le"), ("Jürgen Müller", "Müller & Söhne", 123_456, "EUR")),
    "cp1252": (GERMAN.encode("cp1252"), ("Jürgen Müller", "Müller & Söhne", 123_456, "EUR")),
    "sep": (("\ufeffsep=;\r\n" + GERMAN).encode(), ("Jürgen Müller", "Müller & Söhne", 123_456, "EUR")),
    "shift-jis": (JAPANESE.encode("shift_jis"), ("山田太郎", "山田商事株式会社", None, "USD")),
    "cp1251": (RUSSIAN.encode("cp1251"), ("Иван Петров", "ООО Ромашка", 150_000, "USD")),
    "gb18030": (CHINESE.encode("gb18030"), ("王小明", "北京科技有限公司", None, "USD")),
    "pipedrive": (PIPEDRIVE.encode(), ("Acme deal", None, 150_000, "EUR")),
    "zoho": (ZOHO.encode(), ("Ana Rey", "Acme", None, "USD")),
    "mac": (b"Name,Company\rAna Rey,Acme\r", ("Ana Rey", "Acme", None, "USD")),
    "wrapped": (json.dumps(WRAPPED).encode(), ("ana@x.example", None, None, "USD")),
}


@pytest.mark.parametrize("kind", FILES)
async def test_a_file_comes_in_as_meant_and_goes_without_a_trace(desk: Desk, kind: str) -> None:
    """The preview counts what happens; name, company and amount are those of the file; its undo leaves only the history."""
    content, expected = FILES[kind]
    found = await desk.bring(content, name="leads.json" if kind == "wrapped" else "leads.csv")
    preview = found["found"]["preview"]
    assert (preview["created"], preview["refused"], preview["questions"]) == (1, [], [])
    done = await desk.act("run", found)
    (lead,) = await desk.leads()
    assert (lead.name, lead.company_name, lead.value_cents, lead.currency) == expected
    if kind in ("shift-jis", "cp1251", "gb18030"):
        assert lead.phone is not None
        assert lead.phone.startswith("+")
    undone = await desk.act("undo", done)
    assert (undone["state"], undone["kept"], undone["impossible"], await desk.leads()) == ("undone", 0, 0, [])
    for noun in ("contacts", "companies"):
        assert (await desk.ben.ok("POST", f"{V1}/crm.{noun}.find", {}))["items"] == []


async def test_a_file_without_headers_is_told_so(desk: Desk) -> None:
    """Its first lead is not lost as a header; who names the columns all the same is believed."""
    text = "Ana Rey,ana@x.example,+12125550100\nBo Li,bo@x.example,+12125550101\n"
    found = await desk.bring(text)
    assert found["state"] == "failed"
    assert "“ana@x.example”: it looks like a lead" in found["error"]
    mended = await desk.act("map", found, mapping={"Ana Rey": "name", "ana@x.example": "email"})
    assert (mended["state"], mended["found"]["preview"]["created"]) == ("ready", 1)
