-- Automations and sequences: rules, versions, runs, enrolments.

create table automations (
  org_id         uuid not null references organizations (org_id),
  id             uuid not null,
  name           text not null check (name <> ''),
  state          text not null default 'draft' check (state in ('draft', 'on', 'paused', 'removed')),
  number         integer not null default 1,
  listens        text not null,
  next_at        timestamptz,
  looked_at      timestamptz,
  switched_on_at timestamptz,
  last_run_at    timestamptz,
  version        bigint not null default 1,
  created_at     timestamptz not null,
  primary key (org_id, id)
);
create index automations_slots on automations (next_at) where state = 'on' and next_at is not null;

-- What a rule says, under the number that its runs name: never changed, never deleted.
create table automation_versions (
  org_id        uuid not null,
  automation_id uuid not null,
  number        integer not null,
  name          text not null,
  rule          jsonb not null,
  made_by       text not null,
  created_at    timestamptz not null,
  primary key (org_id, automation_id, number),
  foreign key (org_id, automation_id) references automations (org_id, id)
);

-- `key` is what the rule answers: an activity, a slot and a lead, a date of a lead, a silence of a lead. Each is answered once.
create table automation_runs (
  org_id        uuid not null,
  id            uuid not null,
  automation_id uuid not null,
  number        integer not null,
  key           text not null,
  lead_id       uuid,
  activity_id   uuid,
  depth         smallint not null default 0,
  status        text not null default 'waiting' check (status in ('waiting', 'held', 'done', 'dropped', 'stopped')),
  position      integer not null default 0,
  attempts      integer not null default 0,
  next_at       timestamptz not null,
  error         text,
  created_at    timestamptz not null,
  finished_at   timestamptz,
  primary key (org_id, id),
  unique (automation_id, key, org_id),
  foreign key (org_id, automation_id, number) references automation_versions (org_id, automation_id, number),
  foreign key (org_id, lead_id) references leads (org_id, id)
);
create index automation_runs_due on automation_runs (org_id, automation_id, next_at) where status = 'waiting';
create index automation_runs_held on automation_runs (org_id, id desc) where status = 'held';
create index automation_runs_newest on automation_runs (org_id, id desc);
create index automation_runs_of on automation_runs (org_id, automation_id, id desc);
create index automation_runs_lead on automation_runs (org_id, lead_id, id desc) where lead_id is not null;

create table automation_steps (
  org_id       uuid not null,
  run_id       uuid not null,
  position     integer not null,
  path         text not null,
  act          text not null,
  outcome      text not null check (outcome in ('done', 'skipped', 'failed')),
  detail       text,
  activity_ids uuid[] not null default '{}',
  attempts     integer not null default 1,
  at           timestamptz not null,
  primary key (org_id, run_id, position),
  foreign key (org_id, run_id) references automation_runs (org_id, id)
);

create table sequences (
  org_id         uuid not null references organizations (org_id),
  id             uuid not null,
  name           text not null check (name <> ''),
  state          text not null default 'draft' check (state in ('draft', 'on', 'paused', 'removed')),
  number         integer not null default 1,
  version        bigint not null default 1,
  created_at     timestamptz not null,
  primary key (org_id, id)
);

create table sequence_versions (
  org_id      uuid not null,
  sequence_id uuid not null,
  number      integer not null,
  name        text not null,
  plan        jsonb not null,
  made_by     text not null,
  created_at  timestamptz not null,
  primary key (org_id, sequence_id, number),
  foreign key (org_id, sequence_id) references sequences (org_id, id)
);

create table enrolments (
  org_id       uuid not null,
  id           uuid not null,
  sequence_id  uuid not null,
  number       integer not null,
  lead_id      uuid not null,
  state        text not null default 'waiting' check (state in ('waiting', 'paused', 'held', 'done', 'stopped')),
  position     integer not null default 0,
  attempts     integer not null default 0,
  next_at      timestamptz not null,
  why          text,
  detail       text,
  stage_id     uuid not null,
  owner_id     uuid,
  activity_id  uuid,
  depth        smallint not null default 0,
  operation_id uuid not null,
  version      bigint not null default 1,
  created_at   timestamptz not null,
  finished_at  timestamptz,
  primary key (org_id, id),
  foreign key (org_id, sequence_id, number) references sequence_versions (org_id, sequence_id, number),
  foreign key (org_id, lead_id) references leads (org_id, id)
);
create unique index enrolments_once on enrolments (sequence_id, lead_id, org_id) where state in ('waiting', 'paused', 'held');
create index enrolments_due on enrolments (org_id, sequence_id, next_at) where state = 'waiting';
create index enrolments_of on enrolments (org_id, sequence_id, id desc);
create index enrolments_lead on enrolments (org_id, lead_id, id desc);

create table enrolment_steps (
  org_id       uuid not null,
  enrolment_id uuid not null,
  position     integer not null,
  sequence_id  uuid not null,
  number       integer not null,
  step         integer not null,
  act          text not null,
  outcome      text not null check (outcome in ('done', 'skipped')),
  detail       text,
  activity_ids uuid[] not null default '{}',
  at           timestamptz not null,
  primary key (org_id, enrolment_id, position),
  foreign key (org_id, enrolment_id) references enrolments (org_id, id)
);
create index enrolment_steps_of on enrolment_steps (org_id, sequence_id, number, step);

do $$
declare t text;
begin
  foreach t in array array[
    'automations', 'automation_versions', 'automation_runs', 'automation_steps', 'sequences', 'sequence_versions', 'enrolments', 'enrolment_steps']
  loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy tenant on %I to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid)$p$, t);
    execute format('grant select, insert, update on %I to baton_app', t);
  end loop;
  foreach t in array array['automation_versions', 'sequence_versions'] loop
    execute format('revoke update on %I from baton_app', t);
  end loop;
  foreach t in array array['automations', 'automation_runs', 'sequences', 'enrolments'] loop
    execute format('create policy relay_reads on %I for select to baton_relay using (true)', t);
  end loop;
end $$;

-- What the relay asks before it makes a job, and the worker to see what is due.
grant select (org_id, id, state, listens, next_at) on automations to baton_relay;
grant select (org_id, automation_id, status, next_at) on automation_runs to baton_relay;
grant select (org_id, id, state) on sequences to baton_relay;
grant select (org_id, sequence_id, state, next_at) on enrolments to baton_relay;
