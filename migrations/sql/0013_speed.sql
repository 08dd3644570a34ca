-- Indexes for what is read and written most.

-- A list is filtered by stage and owner more than by anything else; the newest first.
create index leads_stage_owner on leads (org_id, stage_id, owner_id, created_at desc, id desc) where deleted_at is null;
-- Orders of the list: leads without a value are in these too, so that they are read from a place on like the others.
create index leads_by_score on leads (org_id, score, id) where deleted_at is null;
create index leads_by_company on leads (org_id, company_key, id) where deleted_at is null;
-- Figures of a pipeline and a period are counted in this index alone.
drop index leads_pipeline_newest;
create index leads_pipeline_newest on leads (org_id, pipeline_id, created_at desc, id desc)
  include (stage_id, status, source, currency, value_cents, score) where deleted_at is null;

-- Sessions, keys and tokens that ended open nothing; the relay forgets them each night. What it removes it never sees.
create function directory_forget_ended(before timestamptz) returns bigint
  language plpgsql security definer set search_path = public as $$
declare removed bigint;
begin
  delete from directory_credentials d where d.expires_at < least(before, now());
  get diagnostics removed = row_count;
  return removed;
end $$;
revoke all on function directory_forget_ended(timestamptz) from public;
grant execute on function directory_forget_ended(timestamptz) to baton_relay;

-- A search that looks at so many finds reads no more of them: the words of the index carry their organization, so what is read first is
-- the asking organization's own, and it is tested once more. (All finds of a common word were read before: 0.3 s at a million leads.)
-- Sequential and plain index scans are put off: fresh statistics or none at all must not make a search compute the words of every row.
create or replace function search_leads(query text, most bigint default null) returns setof uuid
  language plpgsql stable security definer rows 200
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_indexscan = off as $$
declare
  org   uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  asked tsquery;
begin
  for step in 1..2 loop
    asked := search_query(org, query, step = 2);
    continue when org is null or asked is null;
    return query
      with named as materialized (
        select l.org_id, l.id from leads l
         where search_vector(l.org_id, l.name || ' ' || coalesce(l.company_name, ''),
                             coalesce(l.email, '') || ' ' || coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, ''),
                             coalesce(l.phone, '')) @@ asked
           and l.deleted_at is null limit most),
      told as materialized (
        select a.org_id, a.lead_id from activities a
         where search_vector(a.org_id, '', coalesce(a.payload ->> 'notes', a.payload ->> 'message'), '') @@ asked
           and a.lead_id is not null and coalesce(a.payload ->> 'notes', a.payload ->> 'message') is not null limit most)
      select n.id from named n where n.org_id = org
      union
      select t.lead_id from told t where t.org_id = org
       limit most;
    exit when found;
  end loop;
end $$;

create or replace function search_contacts(query text, most bigint default null) returns setof uuid
  language plpgsql stable security definer rows 200
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_indexscan = off as $$
declare
  org   uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  asked tsquery;
begin
  for step in 1..2 loop
    asked := search_query(org, query, step = 2);
    continue when org is null or asked is null;
    return query
      with named as materialized (
        select c.org_id, c.id from contacts c
         where search_vector(c.org_id, c.name, coalesce(c.email, ''), coalesce(c.phone, '')) @@ asked and c.deleted_at is null limit most)
      select n.id from named n where n.org_id = org;
    exit when found;
  end loop;
end $$;

create or replace function search_companies(query text, most bigint default null) returns setof uuid
  language plpgsql stable security definer rows 200
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_indexscan = off as $$
declare
  org   uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  asked tsquery;
begin
  for step in 1..2 loop
    asked := search_query(org, query, step = 2);
    continue when org is null or asked is null;
    return query
      with named as materialized (
        select c.org_id, c.id from companies c
         where search_vector(c.org_id, c.name, coalesce(c.website, ''), '') @@ asked and c.deleted_at is null limit most)
      select n.id from named n where n.org_id = org;
    exit when found;
  end loop;
end $$;
