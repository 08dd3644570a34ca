-- The words of a lead stand in a table of their own: whatever else of a lead changes (its stage, its owner, its score) leaves them and
-- their index alone. As an index of `leads` they were made and sorted in anew for every move, which was half of what a move cost.

create table lead_words (
  org_id  uuid not null,
  lead_id uuid not null,
  names   text not null,
  others  text not null,
  phone   text not null,
  primary key (org_id, lead_id)
);
alter table lead_words enable row level security;
create policy tenant on lead_words to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
grant select, insert, update, delete on lead_words to baton_app;

-- What of a lead is searched. `leads/words.py` keeps it beside the lead; of a deleted lead there is none.
create function words_of(l leads) returns lead_words language sql immutable parallel safe
  return row(l.org_id, l.id, l.name || ' ' || coalesce(l.company_name, ''),
             coalesce(l.email, '') || ' ' || coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, ''), coalesce(l.phone, ''))::lead_words;

insert into lead_words select w.* from leads l cross join lateral words_of(l) w where l.deleted_at is null;
create index lead_words_search on lead_words using gin (search_vector(org_id, names, others, phone)) with (gin_pending_list_limit = 256);
drop index leads_search;

create or replace function search_leads(query text, most bigint default null) returns setof uuid
  language plpgsql stable security definer rows 200
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_indexscan = off as $$
declare
  org   uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  asked tsquery;
  finds bigint;
begin
  for step in search_first(most)..4 loop
    asked := search_asked(org, query, step);
    continue when org is null or asked is null;
    if step = 2 and finds = 0 then
      perform 1 from lead_words w where search_vector(w.org_id, w.names, w.others, w.phone) @@ search_asked(org, query, 0) limit 1;
      continue when not found;
    end if;
    return query
      with named as materialized (
        select w.org_id, w.lead_id from lead_words w where search_vector(w.org_id, w.names, w.others, w.phone) @@ asked limit most),
      told as materialized (
        select a.org_id, a.lead_id from activities a
         where search_vector(a.org_id, '', coalesce(a.payload ->> 'notes', a.payload ->> 'message'), '') @@ asked
           and a.lead_id is not null and coalesce(a.payload ->> 'notes', a.payload ->> 'message') is not null limit most)
      select n.lead_id from named n where n.org_id = org
      union
      select t.lead_id from told t where t.org_id = org
       limit most;
    get diagnostics finds = row_count;
    exit when finds >= least(most, 50) or (step = 3 and finds > 0);
  end loop;
end $$;

drop function search_query(uuid, text, boolean);
