-- What imports made, and how it is taken back; erasure; search; the orders of lists.

-- ── Contacts and companies that are gone: the record stays, known by nothing, so that it can come back ──

alter table contacts add column deleted_at timestamptz, add column erased_at timestamptz;
alter table companies add column deleted_at timestamptz;

drop index contacts_newest, contacts_name, companies_newest, companies_name;
create index contacts_newest on contacts (org_id, created_at desc, id desc) where merged_into_id is null and deleted_at is null;
create index contacts_name on contacts (org_id, name, id) where merged_into_id is null and deleted_at is null;
create index companies_newest on companies (org_id, created_at desc, id desc) where merged_into_id is null and deleted_at is null;
create index companies_name on companies (org_id, name, id) where merged_into_id is null and deleted_at is null;
create index customers_contact on customers (org_id, contact_id) where contact_id is not null;
create index customers_company on customers (org_id, company_id) where company_id is not null;

-- The undo of an import goes over its leads, then its contacts, then its companies; `undo_position` is the last of the phase.
alter table imports
  add column undo_phase text not null default 'lead' check (undo_phase in ('lead', 'contact', 'company', 'done'));
alter table import_remains
  alter column lead_id drop not null,
  add column subject_type text not null default 'lead',
  add column subject_id uuid;

-- ── Erasure: of a person who must be forgotten the log keeps that something happened, when, by whom and to which record, and the digest
-- of what was said; what was said goes. Only this function may, and only as the role that owns it. ──

create index activities_of_records on activities (org_id, subject_id) where subject_type in ('contact', 'company', 'customer', 'task');

create or replace function refuse_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and tg_table_name = 'activities' and current_user = 'baton_eraser'
     and to_jsonb(new) - array['changes', 'payload', 'reason', 'salt'] = to_jsonb(old) - array['changes', 'payload', 'reason', 'salt'] then
    return new;
  end if;
  raise exception 'The log is append-only: % of % is refused', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;

create policy eraser on activities to baton_eraser using (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
grant usage on schema public to baton_eraser;
grant select, update (changes, payload, reason, salt) on activities to baton_eraser;

-- Facts that name a person become nothing, or the word for it; the others stay, so that the log still replays.
create function erase_from_log(lead_ids uuid[], subject_ids uuid[], word text) returns bigint
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  org    uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  erased bigint;
begin
  update activities a
     set changes = (select coalesce(jsonb_object_agg(c.key, case
                             when c.key = 'name' then jsonb_build_array(
                               case when c.value -> 0 <> 'null' then to_jsonb(word) end, case when c.value -> 1 <> 'null' then to_jsonb(word) end)
                             when c.key = 'fields' then jsonb_build_array(
                               case when c.value -> 0 <> 'null' then '{}'::jsonb end, case when c.value -> 1 <> 'null' then '{}'::jsonb end)
                             when c.key in ('firstName', 'lastName', 'email', 'phone', 'title', 'website', 'location', 'externalId', 'notes')
                               then '[null, null]'::jsonb
                             else c.value end), '{}')
                      from jsonb_each(a.changes) c),
         payload = (select coalesce(jsonb_object_agg(p.key, p.value), '{}') from jsonb_each(a.payload) p
                     where p.key in ('via', 'type', 'stageName', 'outcome', 'pipelineName', 'pipelineType', 'band', 'reasons', 'undo',
                                     'operationId', 'taskKind', 'dueAt', 'assigneeId', 'assigneeName', 'assigneeKind', 'ownerName',
                                     'ownerKind', 'mergedId', 'moved', 'followers', 'durationMinutes', 'happenedAt', 'messageId')),
         reason = null,
         salt = ''
   where a.org_id = org and (a.lead_id = any (lead_ids) or (a.subject_type in ('contact', 'company', 'customer', 'task') and a.subject_id = any (subject_ids)));
  get diagnostics erased = row_count;
  return erased;
end $$;
revoke all on function erase_from_log(uuid[], uuid[], text) from public;
grant execute on function erase_from_log(uuid[], uuid[], text) to baton_app;

-- The function is the role's own. To hand it over, whoever migrates must be able to act as the role, and the role to have things here.
do $$
declare joins boolean := not pg_has_role(current_user, 'baton_eraser', 'set');
begin
  if joins then
    execute format('grant baton_eraser to %I with inherit false, set true', current_user);
  end if;
  grant create on schema public to baton_eraser;
  alter function erase_from_log(uuid[], uuid[], text) owner to baton_eraser;
  revoke create on schema public from baton_eraser;
  if joins then
    execute format('revoke baton_eraser from %I', current_user);
  end if;
end $$;

-- ── Orders of the list: what is next, what is latest, what closes when ──

create index leads_by_next_action on leads (org_id, next_action_at, id) where deleted_at is null;
create index leads_by_last_activity on leads (org_id, last_activity_at, id) where deleted_at is null;
create index leads_by_close_date on leads (org_id, expected_close_date, id) where deleted_at is null;

-- ── Seals: what was written to the log in the order of commits, in a chain that is signed with a key outside the database ──

create table log_seals (
  org_id       uuid not null references organizations (org_id),
  number       bigint not null check (number > 0),
  activity_ids uuid[] not null check (activity_ids <> '{}'),
  root         bytea not null,
  previous     bytea not null,
  hash         bytea not null,
  key          bytea not null,
  signature    bytea not null,
  sealed_at    timestamptz not null,
  primary key (org_id, number)
);
create index log_seals_at on log_seals (org_id, sealed_at);
create trigger log_seals_append_only before update or delete on log_seals for each row execute function refuse_change();
create trigger log_seals_no_truncate before truncate on log_seals for each statement execute function refuse_change();
alter table log_seals enable row level security;
create policy tenant on log_seals to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
grant select, insert on log_seals to baton_app;
