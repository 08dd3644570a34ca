"""The rows of the data set as set-based SQL: leads as they are, and the log that leads to them."""

# Lead i of organization k: created every `step` milliseconds from `base` on, its id told by its number.
SUPPORT = """
CREATE SCHEMA bench;
CREATE FUNCTION bench.pick(i bigint, seed bigint, below bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (hashint8extended(i, seed) & 9223372036854775807) % below;
CREATE FUNCTION bench.named(base bigint, step bigint, i bigint, k int) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (lpad(to_hex(base + i * step), 12, '0') || '7' || lpad(k::text, 3, '0') || '8000' || lpad(i::text, 12, '0'))::uuid;
CREATE FUNCTION bench.told(t timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
CREATE FUNCTION bench.said(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN coalesce('"' || t || '"', 'null');
CREATE UNLOGGED TABLE bench.made (LIKE leads);
ALTER TABLE bench.made
  ADD i bigint, ADD k int, ADD first_stage uuid, ADD first_status text, ADD stage_name text, ADD outcome text,
  ADD owner_name text, ADD owner_kind text, ADD op uuid, ADD person bigint;
CREATE UNLOGGED TABLE bench.scores (org_id uuid, lead_id uuid, score smallint, reasons jsonb);
CREATE UNLOGGED TABLE bench.reasons (score smallint, reasons jsonb, canonical text, band text, said text);
"""

# $1 org, $2 k, $3 base, $4 step, $5 from, $6 to, $7 companies, $8 owners' ids, $9 names, $10 kinds, $11 the stages (jsonb)
MADE = """
INSERT INTO bench.made (
  org_id, i, k, person, op, id, pipeline_id, stage_id, first_stage, first_status, stage_name, outcome, status,
  name, first_name, last_name, email, email_norm, phone, website, title, company_name, location, industry, company_size,
  contact_id, company_id, owner_id, owner_name, owner_kind, value_cents, currency, tags, fields, hot_integer_1, source, via,
  created_at, assigned_at, stage_entered_at, closed_at, last_activity_at, version)
SELECT $1, i, $2, p, bench.named($3, $4, i, $2 + 300), bench.named($3, $4, i, $2), pipe.pipeline, stage.id, pipe.first, 'new',
       stage.name, stage.outcome, stage.status,
       who.first || ' ' || who.last, who.first, who.last, who.email, lower(who.email), '+1555' || lpad((p % 10000000)::text, 7, '0'),
       'https://' || firm.domain, t.title, firm.name, city.name, trade.name,
       (ARRAY[4, 12, 35, 80, 240, 900, 4000])[1 + bench.pick(c, 31, 7)],
       bench.named($3, $4, 2 * p - 1, $2 + 100), bench.named($3, $4, c, $2 + 200),
       own.id, own.name, own.kind,
       CASE WHEN bench.pick(i, 41, 5) > 0 THEN 50000 + bench.pick(i, 42, 200000) * 100 END,
       CASE WHEN bench.pick(i, 43, 10) = 0 THEN 'EUR' ELSE 'USD' END,
       CASE bench.pick(i, 44, 4) WHEN 0 THEN '{}'::text[]
         WHEN 1 THEN ARRAY[(ARRAY['hot', 'renewal', 'pilot', 'partner', 'inbound', 'urgent'])[1 + bench.pick(i, 45, 6)]]
         ELSE ARRAY[(ARRAY['hot', 'renewal', 'pilot', 'partner', 'inbound', 'urgent'])[1 + bench.pick(i, 45, 6)],
                    (ARRAY['emea', 'apac', 'us-east', 'us-west', 'fair-2026', 'webinar'])[1 + bench.pick(i, 46, 6)]] END,
       CASE WHEN seats.n IS NULL THEN jsonb_build_object('region', region.name)
            ELSE jsonb_build_object('region', region.name, 'seats', seats.n) END,
       seats.n,
       (ARRAY['website', 'referral', 'paid_ads', 'organic_search', 'social_media', 'cold_outreach', 'event', 'partner', 'other'])
         [1 + bench.pick(i, 51, 9)],
       'form', at.made, CASE WHEN own.id IS NOT NULL THEN at.made + interval '1 hour' END,
       CASE WHEN stage.id = pipe.first THEN at.made ELSE at.made + interval '2 days' END,
       CASE WHEN stage.outcome <> 'open' THEN at.made + interval '2 days' END,
       at.made + interval '2 days',
       2 + (own.id IS NOT NULL)::int + (stage.id <> pipe.first)::int
  FROM generate_series($5::bigint, $6::bigint) i
 CROSS JOIN LATERAL (SELECT (i + 1) / 2 AS p) AS persons
 CROSS JOIN LATERAL (SELECT 1 + bench.pick(p, 21, $7) AS c) AS firms
 CROSS JOIN LATERAL (SELECT to_timestamp(($3 + i * $4) / 1000.0) + interval '1 microsecond' * (1 + bench.pick(i, 1, 900)) AS made) at
 CROSS JOIN LATERAL (SELECT ($11::jsonb -> (i % 5 > 2)::int) AS j) pipes
 CROSS JOIN LATERAL (SELECT (j ->> 'id')::uuid AS pipeline, (j ->> 'first')::uuid AS first,
                            j -> 'stages' -> ((ARRAY[0,0,0,0,0,0,1,1,1,1,2,2,2,3,3,4,4,5,6,6])[1 + bench.pick(i, 3, 20)]) AS s) pipe
 CROSS JOIN LATERAL (SELECT (s ->> 'id')::uuid AS id, s ->> 'name' AS name, s ->> 'outcome' AS outcome, s ->> 'status' AS status) stage
 CROSS JOIN LATERAL (SELECT (ARRAY['Northern', 'Bright', 'Silver', 'Granite', 'Harbor', 'Maple', 'Quantum', 'Velvet', 'Copper', 'Lunar'])
                              [1 + c % 10] || ' ' ||
                            (ARRAY['Logistics', 'Foods', 'Robotics', 'Textiles', 'Energy', 'Media', 'Analytics', 'Motors', 'Health', 'Games'])
                              [1 + (c / 10) % 10] || ' ' || c AS name, 'firm' || c || '.example' AS domain) firm
 CROSS JOIN LATERAL (SELECT (ARRAY['Ana', 'Ben', 'Carla', 'David', 'Elena', 'Farid', 'Grace', 'Hugo', 'Ines', 'Jonas', 'Karim', 'Lucia',
                                   'Marta', 'Nadia', 'Oscar', 'Priya', 'Quentin', 'Rosa', 'Samir', 'Tomas', 'Ursula', 'Victor', 'Wanda',
                                   'Xenia', 'Yusuf', 'Zoe', 'Amina', 'Boris', 'Chloe', 'Dmitri'])[1 + bench.pick(p, 11, 30)] AS first,
                            (ARRAY['Al', 'Bar', 'Cor', 'Dun', 'El', 'Fer', 'Gar', 'Hol', 'Iv', 'Jan', 'Kel', 'Lam', 'Mor', 'Nor', 'Ol',
                                   'Pet', 'Quin', 'Ros', 'Sal', 'Tor', 'Ul', 'Van', 'Wes', 'Yar', 'Zel'])[1 + bench.pick(p, 12, 25)] ||
                            (ARRAY['berg', 'dini', 'field', 'gard', 'hart', 'ikson', 'kova', 'lund', 'man', 'nova', 'ovic', 'quist', 'rez',
                                   'son', 'strom', 'ton', 'vald', 'well', 'worth', 'zadeh'])[1 + bench.pick(p, 13, 20)] AS last) n0
 CROSS JOIN LATERAL (SELECT n0.first, n0.last, lower(n0.first) || '.' || lower(n0.last) || p || '@' || firm.domain AS email) who
 CROSS JOIN LATERAL (SELECT (ARRAY['CEO', 'CTO', 'VP Sales', 'Director of Operations', 'Head of Marketing', 'Sales Manager', 'Engineer',
                                   'Analyst', NULL])[1 + bench.pick(p, 14, 9)] AS title) t
 CROSS JOIN LATERAL (SELECT (ARRAY['Lisbon', 'Berlin', 'Austin', 'Nairobi', 'Osaka', 'Lima'])[1 + bench.pick(c, 32, 6)] AS name) city
 CROSS JOIN LATERAL (SELECT (ARRAY['Logistics', 'Food', 'Software', 'Textiles', 'Energy'])[1 + bench.pick(c, 33, 5)] AS name) trade
 CROSS JOIN LATERAL (SELECT (ARRAY['Americas', 'APAC', 'EMEA'])[1 + bench.pick(i, 61, 3)] AS name) region
 CROSS JOIN LATERAL (SELECT CASE WHEN bench.pick(i, 62, 10) < 7 THEN 1 + bench.pick(i, 63, 5000) END AS n) seats
 CROSS JOIN LATERAL (SELECT CASE WHEN bench.pick(i, 15, 10) > 0 THEN 1 + bench.pick(i, 16, cardinality($8::uuid[])) END AS o) picked
 CROSS JOIN LATERAL (SELECT ($8::uuid[])[o] AS id, ($9::text[])[o] AS name, ($10::text[])[o] AS kind) own
"""

LEADS = """
INSERT INTO leads ({columns}) SELECT {selected}
  FROM bench.made m JOIN bench.scores s ON s.org_id = m.org_id AND s.lead_id = m.id
 WHERE m.org_id = $1 AND m.i BETWEEN $2 AND $3 ORDER BY m.i"""

WORDS = """
INSERT INTO lead_words SELECT w.* FROM leads l CROSS JOIN LATERAL words_of(l) w WHERE l.org_id = $1 AND l.deleted_at IS NULL
    ON CONFLICT DO NOTHING"""

COMPANIES = """
INSERT INTO companies (org_id, id, name, name_norm, website, location, industry, size, created_at)
SELECT org_id, company_id, company_name, lower(company_name), website, location, industry, company_size, created_at
  FROM (SELECT DISTINCT ON (company_id) * FROM bench.made WHERE org_id = $1 ORDER BY company_id, i) m"""

CONTACTS = """
INSERT INTO contacts (org_id, id, name, first_name, last_name, email, email_norm, phone, title, company_id, created_at)
SELECT org_id, contact_id, name, first_name, last_name, email, email_norm, phone, title, company_id, created_at
  FROM bench.made WHERE org_id = $1 AND i % 2 = 1"""

HISTORY = """
INSERT INTO lead_scores (org_id, id, lead_id, number, score, band, reasons, cause, operation_id, created_at)
SELECT m.org_id, uuidv7(m.created_at - now()), m.id, 1, s.score, r.band, s.reasons, 'creation', m.op, m.created_at
  FROM bench.made m JOIN bench.scores s ON s.org_id = m.org_id AND s.lead_id = m.id
  JOIN bench.reasons r ON r.reasons = s.reasons AND r.score = s.score
 WHERE m.org_id = $1 AND m.i BETWEEN $2 AND $3 ORDER BY m.i"""

# Every activity: what the log says, with the commitment to it as the product calculates it.
_ACTIVITY = """
INSERT INTO activities (org_id, id, kind, actor_type, actor_id, actor_name, via, lead_id, lead_version, subject_type, subject_id, changes,
                        payload, reason, operation, operation_id, occurred_at, salt, digest)
SELECT org_id, id, kind, actor_type, actor_id, actor_name, via, lead_id, lead_version, subject_type, subject_id, changes::jsonb,
       payload::jsonb, reason, operation, op, at, salt,
       sha256(salt || convert_to('["' || org_id || '","' || id || '","' || kind || '","' || actor_type || '",' || bench.said(actor_id::text)
         || ',"' || actor_name || '","' || via || '",' || bench.said(lead_id::text) || ',' || coalesce(lead_version::text, 'null') || ',"'
         || subject_type || '","' || subject_id || '",' || changes || ',' || payload || ',' || bench.said(reason) || ',"' || operation
         || '","' || op || '",null,"' || bench.told(at) || '"]', 'UTF8'))
  FROM ({told} OFFSET 0) t"""

_BY_FORM = "'system' AS actor_type, NULL::uuid AS actor_id, 'Website form' AS actor_name, 'form' AS via"
_COMMON = "uuidv7(m.created_at - now()) AS id, uuid_send(gen_random_uuid()) AS salt"
_LEAD = "m.id AS lead_id, 'lead' AS subject_type, m.id AS subject_id"
_PART = "WHERE m.org_id = $1 AND m.i BETWEEN $2 AND $3 ORDER BY m.i"


def _fact(name: str, sql: str) -> str:
    return f"""'"{name}":[null,"' || {sql} || '"]'"""


_FACTS = ",\n".join(
    (
        _fact("companyId", "company_id"), _fact("companyName", "company_name"), "'\"companySize\":[null,' || company_size || ']'",
        _fact("contactId", "contact_id"), _fact("createdAt", "bench.told(created_at)"), _fact("currency", "currency"),
        _fact("email", "email"), """'"fields":[null,{"region":"' || (fields ->> 'region') || '"' || coalesce(',"seats":' || (fields ->> 'seats'), '') || '}]'""",
        _fact("firstName", "first_name"), _fact("id", "m.id"), _fact("industry", "industry"), _fact("lastName", "last_name"),
        _fact("location", "location"), _fact("name", "name"), _fact("phone", "phone"), _fact("pipelineId", "pipeline_id"),
        _fact("source", "source"), _fact("stageEnteredAt", "bench.told(created_at)"), _fact("stageId", "first_stage"),
        _fact("status", "first_status"),
        "'\"tags\":[null,' || CASE WHEN tags = '{}' THEN '[]' ELSE '[\"' || array_to_string(tags, '\",\"') || '\"]' END || ']'",
        _fact("title", "title"), "'\"valueCents\":[null,' || value_cents || ']'", _fact("via", "m.via"), _fact("website", "website"),
    )
)  # fmt: skip

ACTIVITIES = tuple(
    _ACTIVITY.replace("{told}", told)
    for told in (
        f"""SELECT m.org_id, {_COMMON}, 'lead_imported' AS kind, {_BY_FORM}, {_LEAD}, 1 AS lead_version,
                   '{{' || concat_ws(',', {_FACTS}) || '}}' AS changes, '{{"via":"form"}}' AS payload, NULL AS reason,
                   'crm.leads.capture' AS operation, m.op, m.created_at AS at FROM bench.made m {_PART}""",
        f"""SELECT m.org_id, {_COMMON}, 'lead_scored' AS kind, {_BY_FORM}, {_LEAD}, 2 AS lead_version,
                   '{{"score":[null,' || s.score || ']}}' AS changes, '{{"band":"' || r.band || '","reasons":' || r.canonical || '}}' AS payload,
                   r.said AS reason, 'crm.leads.capture' AS operation, m.op, m.created_at AS at
              FROM bench.made m JOIN bench.scores s ON s.org_id = m.org_id AND s.lead_id = m.id
              JOIN bench.reasons r ON r.reasons = s.reasons AND r.score = s.score {_PART}""",
        f"""SELECT m.org_id, {_COMMON}, CASE WHEN m.owner_id IS NULL THEN 'note_added' ELSE 'assignment_changed' END AS kind,
                   'agent' AS actor_type, $4::uuid AS actor_id, 'Athena' AS actor_name, 'agent' AS via, {_LEAD},
                   CASE WHEN m.owner_id IS NOT NULL THEN 3 END AS lead_version,
                   CASE WHEN m.owner_id IS NULL THEN '{{}}' ELSE
                     '{{"assignedAt":[null,"' || bench.told(m.assigned_at) || '"],"ownerId":[null,"' || m.owner_id || '"]}}' END AS changes,
                   CASE WHEN m.owner_id IS NULL THEN '{{"notes":"Nobody is free yet","type":"note"}}' ELSE
                     '{{"ownerKind":"' || m.owner_kind || '","ownerName":"' || m.owner_name || '"}}' END AS payload,
                   NULL AS reason, CASE WHEN m.owner_id IS NULL THEN 'crm.leads.logActivity' ELSE 'crm.leads.assign' END AS operation,
                   uuidv7(m.created_at - now()) AS op, m.created_at + interval '1 hour' AS at FROM bench.made m {_PART}""",
        f"""SELECT m.org_id, {_COMMON}, CASE WHEN m.stage_id = m.first_stage THEN 'call_logged' ELSE 'stage_changed' END AS kind,
                   'user' AS actor_type, $4::uuid AS actor_id, 'Ana Duarte' AS actor_name, 'page' AS via, {_LEAD},
                   CASE WHEN m.stage_id <> m.first_stage THEN m.version END AS lead_version,
                   CASE WHEN m.stage_id = m.first_stage THEN '{{}}' ELSE '{{' || concat_ws(',',
                     '"closedAt":[null,"' || bench.told(m.closed_at) || '"]',
                     '"stageEnteredAt":["' || bench.told(m.created_at) || '","' || bench.told(m.stage_entered_at) || '"]',
                     '"stageId":["' || m.first_stage || '","' || m.stage_id || '"]',
                     '"status":["' || m.first_status || '","' || m.status || '"]') || '}}' END AS changes,
                   CASE WHEN m.stage_id = m.first_stage THEN '{{"notes":"No answer, tried again","type":"call"}}' ELSE
                     '{{"outcome":"' || m.outcome || '","stageName":"' || m.stage_name || '"}}' END AS payload,
                   NULL AS reason, CASE WHEN m.stage_id = m.first_stage THEN 'crm.leads.logActivity' ELSE 'crm.leads.moveStage' END AS operation,
                   uuidv7(m.created_at - now()) AS op, m.last_activity_at AS at FROM bench.made m {_PART}""",
        f"""SELECT m.org_id, {_COMMON}, 'contact_created' AS kind, {_BY_FORM}, NULL::uuid AS lead_id, NULL::int AS lead_version,
                   'contact' AS subject_type, m.contact_id AS subject_id, '{{}}' AS changes, '{{"name":"' || m.name || '"}}' AS payload,
                   NULL AS reason, 'crm.leads.capture' AS operation, m.op, m.created_at AS at
              FROM bench.made m {_PART.replace("ORDER", "AND m.i % 2 = 1 ORDER")}""",
    )
)  # fmt: skip
COMPANY_ACTIVITIES = _ACTIVITY.replace(
    "{told}",
    f"""SELECT m.org_id, {_COMMON}, 'company_created' AS kind, {_BY_FORM}, NULL::uuid AS lead_id, NULL::int AS lead_version,
               'company' AS subject_type, m.company_id AS subject_id, '{{}}' AS changes, '{{"name":"' || m.company_name || '"}}' AS payload,
               NULL AS reason, 'crm.leads.capture' AS operation, m.op, m.created_at AS at
          FROM (SELECT DISTINCT ON (company_id) * FROM bench.made WHERE org_id = $1 ORDER BY company_id, i) m""",
)

# $1 org, $2 lead, $3 how many, $4 actor: notes, one a minute behind the lead's last activity. (A lead of ten thousand activities.)
NOTES = _ACTIVITY.replace(
    "{told}",
    """SELECT l.org_id, uuidv7(l.last_activity_at - now()) AS id, uuid_send(gen_random_uuid()) AS salt, 'note_added' AS kind, 'user' AS actor_type,
               $4::uuid AS actor_id, 'Ana Duarte' AS actor_name, 'page' AS via, l.id AS lead_id, NULL::int AS lead_version,
               'lead' AS subject_type, l.id AS subject_id, '{}' AS changes, '{"notes":"Note ' || n || '","type":"note"}' AS payload,
               NULL AS reason, 'crm.leads.logActivity' AS operation, uuidv7() AS op, l.last_activity_at + interval '1 minute' * n AS at
          FROM leads l, generate_series(1, $3::int) n WHERE l.org_id = $1 AND l.id = $2""",
)
# The same with changes of the value, for a lead whose past is asked: 100 cents more each time.
CHANGES = NOTES.replace("'note_added'", "'field_updated'").replace("NULL::int AS lead_version", "l.version + n AS lead_version").replace(
    "'{}' AS changes",
    """'{"valueCents":[' || CASE WHEN n = 1 THEN coalesce(l.value_cents::text, 'null') ELSE (1000000 + 100 * (n - 1))::text END
       || ',' || 1000000 + 100 * n || ']}' AS changes""",
).replace("""'{"notes":"Note ' || n || '","type":"note"}'""", "'{}'").replace("crm.leads.logActivity", "crm.leads.update")  # fmt: skip

TOTALS = """
INSERT INTO stage_totals (org_id, stage_id, currency, leads, value_cents, scored, score_sum)
SELECT org_id, stage_id, currency, count(*), coalesce(sum(value_cents), 0), count(score), coalesce(sum(score), 0)
  FROM leads WHERE deleted_at IS NULL GROUP BY 1, 2, 3"""
