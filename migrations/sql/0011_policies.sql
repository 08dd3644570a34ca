-- What agents may do: policies, limits and what was used of them; what waits for a person; what was refused.

create table agent_policies (
  org_id     uuid not null,
  id         uuid not null,
  agent_id   uuid not null,
  name       text not null check (name <> ''),
  operation  text not null,
  condition  jsonb not null default '{"all": []}',
  decision   text not null check (decision in ('allow', 'ask', 'never')),
  position   integer not null,
  primary key (org_id, id),
  foreign key (org_id, agent_id) references members (org_id, id)
);
create index agent_policies_of on agent_policies (org_id, agent_id, position);

create table agent_limits (
  org_id                    uuid not null,
  agent_id                  uuid not null,
  actions_per_day           bigint check (actions_per_day >= 0),
  sends_per_day             bigint check (sends_per_day >= 0),
  tokens_per_month          bigint check (tokens_per_month >= 0),
  money_micros_per_month    bigint check (money_micros_per_month >= 0),
  largest_value_cents       bigint check (largest_value_cents >= 0),
  second_person_above_cents bigint check (second_person_above_cents >= 0),
  approval_hours            integer not null default 72 check (approval_hours between 1 and 2160),
  version                   bigint not null default 1,
  primary key (org_id, agent_id),
  foreign key (org_id, agent_id) references members (org_id, id)
);

-- What an agent used: acts and sends of a day, tokens and millionths of the organization's currency of a month.
create table agent_usage (
  org_id   uuid not null,
  id       uuid not null,
  agent_id uuid not null,
  what     text not null check (what in ('actions', 'sends', 'tokens', 'money')),
  period   date not null,
  used     bigint not null check (used >= 0),
  primary key (org_id, id),
  unique (agent_id, what, period, org_id),
  foreign key (org_id, agent_id) references members (org_id, id)
);

-- An act that waits for a person: `input` are the bytes that are shown, approved and performed, and no others.
create table approvals (
  org_id       uuid not null,
  id           uuid not null,
  agent_id     uuid not null,
  operation    text not null,
  input        bytea not null,
  original     bytea,
  summary      text not null,
  why          text not null,
  lead_id      uuid,
  lead_version bigint,
  value_cents  bigint,
  request_key  text,
  asked        bytea not null,
  status       text not null default 'waiting'
               check (status in ('waiting', 'approved', 'done', 'rejected', 'expired', 'stale', 'failed')),
  needed       smallint not null default 1 check (needed in (1, 2)),
  given        jsonb not null default '[]',
  reason       text,
  operation_id uuid,
  cause_id     uuid,
  depth        smallint not null default 0,
  created_at   timestamptz not null,
  expires_at   timestamptz not null,
  decided_at   timestamptz,
  closed_at    timestamptz,
  version      bigint not null default 1,
  primary key (org_id, id),
  unique (agent_id, request_key, org_id),
  foreign key (org_id, agent_id) references members (org_id, id),
  foreign key (org_id, lead_id) references leads (org_id, id)
);
create unique index approvals_asked_once on approvals (agent_id, asked, org_id) where status = 'waiting' and request_key is null;
create index approvals_newest on approvals (org_id, status, created_at desc, id desc);
create index approvals_of_lead on approvals (org_id, lead_id) where lead_id is not null;
create index approvals_due on approvals (status, expires_at) where status in ('waiting', 'approved');

-- Attempts that were refused: one row a day for an agent, an operation and a kind of refusal, with how often.
create table agent_refusals (
  org_id    uuid not null,
  id        uuid not null,
  agent_id  uuid not null,
  operation text not null,
  code      text not null,
  day       date not null,
  message   text not null,
  times     bigint not null default 1,
  first_at  timestamptz not null,
  last_at   timestamptz not null,
  primary key (org_id, id),
  unique (agent_id, operation, code, day, org_id),
  foreign key (org_id, agent_id) references members (org_id, id)
);

-- What a model agent thinks with, and what it thought: each answer and each result of a tool is kept before the next step, so
-- that a run which is cut off goes on where it was.
create table agent_models (
  org_id       uuid not null,
  agent_id     uuid not null,
  model        text not null check (model <> ''),
  base_url     text,
  key          bytea,
  instructions text not null default '',
  tools        text[] not null,
  most_answers integer not null default 12 check (most_answers between 1 and 50),
  input_price  numeric(12, 4) not null default 0 check (input_price >= 0),
  output_price numeric(12, 4) not null default 0 check (output_price >= 0),
  version      bigint not null default 1,
  primary key (org_id, agent_id),
  foreign key (org_id, agent_id) references members (org_id, id)
);

create table agent_turns (
  org_id     uuid not null,
  id         uuid not null,
  run_id     uuid not null,
  step       integer not null,
  position   integer not null,
  message    text not null,
  tokens     bigint not null default 0,
  micros     bigint not null default 0,
  created_at timestamptz not null,
  primary key (org_id, id),
  unique (run_id, step, position, org_id),
  foreign key (org_id, run_id) references agent_runs (org_id, id)
);

-- One run of an agent works on a lead at a time, until it ends or was silent for too long.
create table agent_leases (
  org_id   uuid not null,
  agent_id uuid not null,
  lead_id  uuid not null,
  run_id   uuid not null,
  until    timestamptz not null,
  primary key (org_id, agent_id, lead_id),
  foreign key (org_id, agent_id) references members (org_id, id),
  foreign key (org_id, lead_id) references leads (org_id, id)
);

alter table agent_runs drop constraint agent_runs_status_check;
alter table agent_runs add constraint agent_runs_status_check check (status in ('running', 'waiting', 'done', 'failed'));
create index agent_runs_waiting on agent_runs (org_id, lead_id) where status = 'waiting';

do $$
declare t text;
begin
  foreach t in array array['agent_policies', 'agent_limits', 'agent_usage', 'approvals', 'agent_refusals', 'agent_models', 'agent_turns',
    'agent_leases']
  loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy tenant on %I to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid)$p$, t);
    execute format('grant select, insert, update, delete on %I to baton_app', t);
  end loop;
end $$;
revoke delete on approvals, agent_refusals from baton_app;

-- What the worker asks to see which approvals ended, and which were given but not carried out.
create policy relay_reads on approvals for select to baton_relay using (true);
grant select (org_id, id, status, expires_at, decided_at) on approvals to baton_relay;
