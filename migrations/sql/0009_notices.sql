-- Notices to members, the organization's calendar, service levels, richer tasks, and what people may see of the job queue.

-- ── Notices: one for each member and activity ──

create table notices (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null,
  member_id   uuid not null,
  event       text not null check (event ~ '^[a-z][a-z0-9_]{0,62}$'),
  title       text not null check (title <> ''),
  body        text,
  lead_id     uuid,
  href        text,
  activity_id uuid,
  in_app      boolean not null default true,
  read_at     timestamptz,
  email       text not null default 'none' check (email in ('none', 'waiting', 'sent', 'skipped', 'failed')),
  email_at    timestamptz,
  email_error text,
  created_at  timestamptz not null,
  primary key (org_id, id),
  unique (member_id, activity_id, org_id),
  foreign key (org_id, member_id) references members (org_id, id),
  foreign key (org_id, lead_id) references leads (org_id, id),
  foreign key (org_id, activity_id) references activities (org_id, id)
);
create index notices_inbox on notices (org_id, member_id, created_at desc, id desc) where in_app;
create index notices_unread on notices (org_id, member_id, created_at desc, id desc) where in_app and read_at is null;
create index notices_mail on notices (org_id, member_id, email_at) where email = 'waiting';

-- `events` holds {event: {inApp, email}} where the member departs from what everybody has.
create table notice_settings (
  org_id      uuid not null,
  member_id   uuid not null,
  events      jsonb not null default '{}',
  quiet_from  text,
  quiet_to    text,
  digest      text not null default 'immediate' check (digest in ('off', 'daily', 'immediate')),
  digest_hour smallint not null default 8 check (digest_hour between 0 and 23),
  version     bigint not null default 1,
  primary key (org_id, member_id),
  foreign key (org_id, member_id) references members (org_id, id),
  check ((quiet_from is null) = (quiet_to is null))
);

-- When the next mail to a member is due: one row a member, so that whoever looks for due mail reads no notices.
create table notice_mail (
  org_id    uuid not null,
  member_id uuid not null,
  next_at   timestamptz not null,
  primary key (org_id, member_id),
  foreign key (org_id, member_id) references members (org_id, id)
);
create index notice_mail_due on notice_mail (next_at);

-- ── The calendar, and what follows when a lead stays too long ──

create table calendars (
  org_id        uuid not null references organizations (org_id),
  working_hours jsonb not null default '{"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "17:00"}',
  holidays      jsonb not null default '[]',
  near_percent  smallint not null default 80 check (near_percent between 1 and 99),
  on_missed     jsonb not null default '{}',
  version       bigint not null default 1,
  primary key (org_id)
);

create table stage_escalations (
  org_id    uuid not null,
  stage_id  uuid not null,
  on_missed jsonb not null,
  primary key (org_id, stage_id),
  foreign key (org_id, stage_id) references stages (org_id, id)
);

-- Beside the facts: `sla_next_at` is when something is to be told next, `sla_told` what was told of this stay.
alter table leads
  add column sla_due_at  timestamptz,
  add column sla_next_at timestamptz,
  add column sla_told    text check (sla_told in ('near', 'missed'));
create index leads_sla_next on leads (org_id, sla_next_at) where sla_next_at is not null;
create index leads_sla_due on leads (org_id, sla_due_at, id) where sla_due_at is not null and deleted_at is null;

-- ── Tasks: they recur, have steps and wait for one another ──

alter table tasks
  add column parent_id   uuid,
  add column recurrence  text,
  add column recurs_from timestamptz,
  add column recurs_zone text,
  add column series_id   uuid,
  add column repeated    boolean not null default false,
  add column due_told_at timestamptz,
  add foreign key (org_id, parent_id) references tasks (org_id, id),
  add check ((recurrence is null) = (recurs_from is null)),
  add check ((recurrence is null) = (recurs_zone is null));
update tasks set due_told_at = now() where due_at < now();
create index tasks_parent on tasks (org_id, parent_id) where parent_id is not null;
create index tasks_contact on tasks (org_id, contact_id, due_at) where contact_id is not null;
create index tasks_company on tasks (org_id, company_id, due_at) where company_id is not null;
create index tasks_open on tasks (org_id, due_at, id) where status = 'open';
create index tasks_due on tasks (org_id, due_at) where status = 'open' and due_told_at is null;

create table task_needs (
  org_id  uuid not null,
  task_id uuid not null,
  need_id uuid not null,
  primary key (org_id, task_id, need_id),
  foreign key (org_id, task_id) references tasks (org_id, id),
  foreign key (org_id, need_id) references tasks (org_id, id),
  check (task_id <> need_id)
);
create index task_needs_of on task_needs (org_id, need_id);

do $$
declare t text;
begin
  foreach t in array array['notices', 'notice_settings', 'notice_mail', 'calendars', 'stage_escalations', 'task_needs']
  loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy tenant on %I to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid)$p$, t);
    execute format('grant select, insert, update, delete on %I to baton_app', t);
  end loop;
  foreach t in array array['notice_mail', 'leads', 'tasks', 'stages']
  loop
    execute format('create policy relay_reads on %I for select to baton_relay using (true)', t);
  end loop;
end $$;

-- What the worker asks to see whose work is due: moments, nothing of what is in the records.
grant select (org_id, member_id, next_at) on notice_mail to baton_relay;
grant select (org_id, sla_next_at, deleted_at) on leads to baton_relay;
grant select (org_id, due_at, status, due_told_at) on tasks to baton_relay;
grant select (org_id, id, auto_nurture, archived_at) on stages to baton_relay;

-- ── The job queue, as an organization may see it: its own jobs alone. The queue's tables are made after the migrations. ──

create function is_job_of_mine(payload bytea) returns boolean language sql stable parallel safe
  return substring(payload from 11 for 36) = nullif(current_setting('app.org_id', true), '')::bytea;

create function jobs_held(most integer)
  returns table (id bigint, entrypoint text, attempts integer, created timestamptz, updated timestamptz, error text)
  language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return query
    select j.id::bigint, j.entrypoint::text, j.attempts::integer, j.created, j.updated,
           (select coalesce(l.traceback ->> 'exception_message', l.traceback ->> 'exception_type') from jobs.pgqueuer_log l
             where l.job_id = j.id and l.traceback is not null order by l.created desc, l.id desc limit 1)
      from jobs.pgqueuer j
     where j.status = 'failed' and public.is_job_of_mine(j.payload)
     order by j.id desc limit most;
end $$;

create function jobs_waiting() returns table (entrypoint text, status text, jobs bigint, oldest timestamptz)
  language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return query
    select j.entrypoint::text, j.status::text, count(*), min(j.created)
      from jobs.pgqueuer j where public.is_job_of_mine(j.payload) group by 1, 2;
end $$;

create function job_retry(wanted bigint) returns text
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare name text;
begin
  update jobs.pgqueuer j set status = 'queued', updated = now(), execute_after = now(), attempts = 0, queue_manager_id = null
   where j.id = wanted and j.status = 'failed' and public.is_job_of_mine(j.payload)
   returning j.entrypoint into name;
  return name;
end $$;

create function job_drop(wanted bigint) returns text
  language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare name text;
begin
  delete from jobs.pgqueuer j
   where j.id = wanted and j.status = 'failed' and public.is_job_of_mine(j.payload)
   returning j.entrypoint into name;
  return name;
end $$;

-- How far the reader of the log is behind: the age of the oldest activity of this organization that it has not read.
create function relay_lag() returns interval
  language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return (select now() - min(a.recorded_at) from log_cursors c, activities a
           where c.name = 'relay' and (a.txid, a.id) > (c.txid, c.id) and a.txid < pg_snapshot_xmin(pg_current_snapshot())
             and a.org_id = nullif(current_setting('app.org_id', true), '')::uuid);
end $$;

do $$
declare f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'public' and p.proname in ('jobs_held', 'jobs_waiting', 'job_retry', 'job_drop', 'relay_lag')
  loop
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to baton_app', f);
  end loop;
end $$;
