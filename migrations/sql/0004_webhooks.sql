-- Webhooks: endpoints, what was and is to be delivered, each attempt. Enrichment: providers, rules, runs.

create table webhook_endpoints (
  org_id          uuid not null references organizations (org_id),
  id              uuid not null,
  url             text not null,
  description     text not null default '',
  events          text[] not null check (events <> '{}'),
  status          text not null default 'active' check (status in ('active', 'disabled', 'deleted')),
  secret          bytea not null,
  previous_secret bytea,
  previous_until  timestamptz,
  failing_since   timestamptz,
  disabled_reason text,
  version         bigint not null default 1,
  created_at      timestamptz not null,
  primary key (org_id, id),
  check ((previous_secret is null) = (previous_until is null))
);

-- What is sent is written anew from the activity at each attempt, so that an erased person's values are nowhere kept here.
create table webhook_deliveries (
  org_id       uuid not null,
  id           uuid not null,
  endpoint_id  uuid not null,
  activity_id  uuid not null,
  event        text not null,
  status       text not null default 'waiting' check (status in ('waiting', 'delivered', 'failed')),
  attempts     integer not null default 0,
  began_at     timestamptz not null,
  next_at      timestamptz not null,
  last_status  integer,
  last_error   text,
  delivered_at timestamptz,
  created_at   timestamptz not null,
  primary key (org_id, id),
  unique (endpoint_id, activity_id, org_id),
  foreign key (org_id, endpoint_id) references webhook_endpoints (org_id, id),
  foreign key (org_id, activity_id) references activities (org_id, id)
);
create index webhook_deliveries_due on webhook_deliveries (org_id, endpoint_id, next_at) where status = 'waiting';
create index webhook_deliveries_newest on webhook_deliveries (org_id, endpoint_id, created_at desc, id desc);

create table webhook_attempts (
  org_id        uuid not null,
  id            uuid not null,
  delivery_id   uuid not null,
  status        integer,
  milliseconds  integer not null,
  response      text,
  error         text,
  attempted_at  timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, delivery_id) references webhook_deliveries (org_id, id)
);
create index webhook_attempts_of on webhook_attempts (org_id, delivery_id, id);

create table enrichment_providers (
  org_id     uuid not null references organizations (org_id),
  id         uuid not null,
  kind       text not null check (kind in ('website', 'http', 'apify')),
  name       text not null check (name <> ''),
  position   integer not null default 0,
  status     text not null default 'active' check (status in ('active', 'deleted')),
  config     jsonb not null default '{}',
  secret     bytea,
  version    bigint not null default 1,
  created_at timestamptz not null,
  primary key (org_id, id)
);

create table enrichment_rules (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null,
  name        text not null,
  condition   jsonb not null,
  provider_id uuid,
  enabled     boolean not null default true,
  version     bigint not null default 1,
  created_at  timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, provider_id) references enrichment_providers (org_id, id)
);

create table enrichment_runs (
  org_id       uuid not null,
  id           uuid not null,
  provider_id  uuid not null,
  lead_id      uuid,
  cause        text not null check (cause in ('request', 'batch', 'auto', 'search')),
  rule_id      uuid,
  activity_id  uuid,
  input        jsonb not null default '{}',
  status       text not null default 'waiting' check (status in ('waiting', 'done', 'nothing', 'failed')),
  attempts     integer not null default 0,
  next_at      timestamptz not null,
  external_id  text,
  found        jsonb not null default '{}',
  kept         jsonb not null default '{}',
  made         integer not null default 0,
  cost         numeric(14, 6),
  error        text,
  requested_by jsonb not null,
  operation_id uuid not null,
  created_at   timestamptz not null,
  finished_at  timestamptz,
  primary key (org_id, id),
  unique (rule_id, activity_id, org_id),
  foreign key (org_id, provider_id) references enrichment_providers (org_id, id),
  foreign key (org_id, lead_id) references leads (org_id, id),
  foreign key (org_id, rule_id) references enrichment_rules (org_id, id)
);
create index enrichment_runs_due on enrichment_runs (org_id, provider_id, next_at) where status = 'waiting';
create index enrichment_runs_of on enrichment_runs (org_id, lead_id, created_at desc, id desc);
create index enrichment_runs_newest on enrichment_runs (org_id, created_at desc, id desc);

do $$
declare t text;
begin
  foreach t in array array[
    'webhook_endpoints', 'webhook_deliveries', 'webhook_attempts', 'enrichment_providers', 'enrichment_rules', 'enrichment_runs']
  loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy tenant on %I to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid)$p$, t);
    execute format('grant select, insert, update, delete on %I to baton_app', t);
    execute format('create policy relay_reads on %I for select to baton_relay using (true)', t);
  end loop;
end $$;

-- What the relay asks before it makes a job, and the worker to see what is due; neither secrets nor what was found.
grant select (org_id, id, status) on webhook_endpoints to baton_relay;
grant select (org_id, endpoint_id, status, next_at) on webhook_deliveries to baton_relay;
grant select (org_id, enabled) on enrichment_rules to baton_relay;
grant select (org_id, id, status) on enrichment_providers to baton_relay;
grant select (org_id, provider_id, status, next_at) on enrichment_runs to baton_relay;
