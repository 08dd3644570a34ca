"""Many leads at once, made by the database itself, for what must be fast."""

from tests.leads import words
from tests.team import Team

FIRST = ["Hannah", "Wei", "Tomás", "Ingrid", "Kofi", "Amélie", "Søren", "Łukasz", "Priya", "Noah"]
LAST = ["Weiss", "Zhang", "Rey", "Solberg", "Mensah", "Dubois", "Kierkegaard", "Nowak", "Nair", "Schmidt"]


async def crowd(team: Team, many: int) -> None:
    """`many` leads in the intake's first stage, with a number in each name, a company for every ten, and values and tags."""
    (pipeline, *_) = [p for p in await team.do(team.ana, "crm.pipelines.list") if p.is_intake]
    async with team.db.transaction(team.org_id) as conn:
        await conn.execute(
            """INSERT INTO leads (org_id, id, pipeline_id, stage_id, status, name, company_name, email, email_norm, phone, value_cents,
                                  score, currency, source, via, tags, fields, stage_entered_at, created_at, last_activity_at)
               SELECT $1, uuidv7(), $2, $3, 'new', n.first || ' ' || n.last || ' ' || i, 'Company' || i / 10 || ' Ltd',
                      'lead' || i || '@mail' || i % 100 || '.example', 'lead' || i || '@mail' || i % 100 || '.example',
                      '+49 30 ' || lpad(i::text, 7, '0'), i * 100, i % 101, 'USD', 'website', 'csv', ARRAY['t' || i % 50],
                      jsonb_build_object('trucks', i % 1000), now(), now() - i * interval '1 minute', now()
                 FROM generate_series(1, $4) AS i,
              LATERAL (SELECT ($5::text[])[1 + i % 10] AS first, ($6::text[])[1 + i / 10 % 10] AS last) n""",
            team.org_id, pipeline.id, pipeline.stages[0].id, many, FIRST, LAST,
        )  # fmt: skip
        await conn.execute(words.WRITE, team.org_id)
