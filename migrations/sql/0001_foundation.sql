-- The foundation: directory, organizations, members, pipelines, contacts, leads, the log, tasks, scores, routing, playbooks, forms.
-- Rules (docs/decisions): org_id first, primary key (org_id, id), every foreign and unique key contains org_id, text + check, never SET NULL.
-- A unique key beside the primary one names org_id last: with (org_id, …) a connection that begins on an empty table keeps the plan to
-- check foreign keys through that key's first column, and slows down as the table grows.

-- ── Directory: what is asked before the organization is known. Global, reached by key through functions only. ──

create table directory_people (
  id            uuid primary key,
  email_norm    text not null unique,
  email         text not null,
  name          text not null,
  password_hash text,
  created_at    timestamptz not null default now()
);

create table directory_memberships (
  person_id uuid not null references directory_people (id),
  org_id    uuid not null,
  member_id uuid not null,
  primary key (person_id, org_id)
);

create table directory_credentials (
  token_hash bytea primary key,
  kind       text not null check (kind in ('session', 'api_key', 'agent_token')),
  org_id     uuid not null,
  member_id  uuid not null,
  expires_at timestamptz,
  created_at timestamptz not null default now()
);
create index on directory_credentials (org_id, member_id);
create index on directory_credentials (expires_at) where expires_at is not null;

create table directory_addresses (
  kind      text not null check (kind in ('form')),
  address   text not null,
  org_id    uuid not null,
  target_id uuid not null,
  primary key (kind, address)
);

-- ── Organizations and members ──

create table organizations (
  org_id     uuid primary key,
  name       text not null check (name <> ''),
  status     text not null default 'active' check (status in ('active', 'suspended')),
  currency   text not null default 'USD' check (currency ~ '^[A-Z]{3}$'),
  time_zone  text not null default 'UTC',
  settings   jsonb not null default '{}',
  version    bigint not null default 1,
  created_at timestamptz not null
);

create table members (
  org_id        uuid not null references organizations (org_id),
  id            uuid not null,
  kind          text not null check (kind in ('person', 'agent')),
  person_id     uuid,
  name          text not null check (name <> ''),
  email         text,
  role          text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  status        text not null default 'active' check (status in ('active', 'paused', 'removed')),
  agent_kind    text check (agent_kind in ('playbook', 'model', 'external')),
  purpose       text,
  supervisor_id uuid,
  time_zone     text not null default 'UTC',
  working_hours jsonb not null default '{"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "17:00"}',
  capacity      integer check (capacity >= 0),
  external_id   text,
  version       bigint not null default 1,
  created_at    timestamptz not null,
  primary key (org_id, id),
  unique (person_id, org_id),
  unique (external_id, org_id),
  foreign key (org_id, supervisor_id) references members (org_id, id),
  check ((kind = 'person') = (person_id is not null)),
  check ((kind = 'agent') = (agent_kind is not null))
);

create table credentials (
  org_id     uuid not null,
  id         uuid not null,
  member_id  uuid not null,
  kind       text not null check (kind in ('api_key', 'agent_token')),
  name       text not null,
  hint       text not null,
  token_hash bytea not null,
  scopes     text[] not null default '{}',
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null,
  version    bigint not null default 1,
  primary key (org_id, id),
  foreign key (org_id, member_id) references members (org_id, id)
);

-- ── Pipelines and stages ──

create table pipelines (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null,
  name        text not null check (name <> ''),
  type        text not null check (type in ('lead', 'opportunity')),
  position    integer not null,
  is_intake   boolean not null default false,
  external_id text,
  archived_at timestamptz,
  version     bigint not null default 1,
  created_at  timestamptz not null,
  primary key (org_id, id),
  unique (external_id, org_id)
);
create unique index pipelines_one_intake on pipelines (org_id) where is_intake;

create table stages (
  org_id       uuid not null,
  id           uuid not null,
  pipeline_id  uuid not null,
  name         text not null check (name <> ''),
  position     integer not null,
  probability  smallint not null check (probability between 0 and 100),
  colour       text not null check (colour ~ '^#[0-9a-f]{6}$'),
  status       text not null check (status in ('new', 'contacted', 'qualified', 'proposal', 'negotiating', 'won', 'lost', 'disqualified')),
  outcome      text not null check (outcome in ('open', 'won', 'lost')),
  auto_nurture boolean not null default false,
  sla_days     integer check (sla_days > 0),
  external_id  text,
  archived_at  timestamptz,
  version      bigint not null default 1,
  created_at   timestamptz not null,
  primary key (org_id, id),
  unique (org_id, pipeline_id, id),
  unique (external_id, org_id),
  foreign key (org_id, pipeline_id) references pipelines (org_id, id),
  check ((outcome = 'won') = (status = 'won')),
  check ((outcome = 'lost') = (status in ('lost', 'disqualified')))
);

-- ── Contacts and companies ──

create table companies (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null,
  name        text not null check (name <> ''),
  name_norm   text not null,
  website     text,
  location    text,
  industry    text,
  size        integer check (size >= 0),
  external_id text,
  version     bigint not null default 1,
  created_at  timestamptz not null,
  primary key (org_id, id),
  unique (name_norm, org_id),
  unique (external_id, org_id)
);

create table contacts (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null,
  name        text not null,
  first_name  text,
  last_name   text,
  email       text,
  email_norm  text,
  phone       text,
  title       text,
  company_id  uuid,
  external_id text,
  version     bigint not null default 1,
  created_at  timestamptz not null,
  primary key (org_id, id),
  unique (email_norm, org_id),
  unique (external_id, org_id),
  foreign key (org_id, company_id) references companies (org_id, id)
);

-- ── Leads ──

create table leads (
  org_id              uuid not null,
  id                  uuid not null,
  pipeline_id         uuid not null,
  stage_id            uuid not null,
  status              text not null check (status in ('new', 'contacted', 'qualified', 'proposal', 'negotiating', 'won', 'lost', 'disqualified')),
  name                text not null check (name <> ''),
  first_name          text,
  last_name           text,
  email               text,
  phone               text,
  website             text,
  title               text,
  company_name        text,
  location            text,
  industry            text,
  company_size        integer check (company_size >= 0),
  contact_id          uuid,
  company_id          uuid,
  owner_id            uuid,
  value_cents         bigint check (value_cents >= 0),
  currency            text not null check (currency ~ '^[A-Z]{3}$'),
  expected_close_date date,
  tags                text[] not null default '{}',
  fields              jsonb not null default '{}',
  source              text not null check (source in ('website', 'referral', 'paid_ads', 'organic_search', 'social_media', 'cold_outreach', 'event', 'partner', 'other')),
  via                 text not null check (via in ('form', 'page', 'api', 'csv', 'agent', 'search')),
  score               smallint check (score between 0 and 100),
  qualified_at        timestamptz,
  assigned_at         timestamptz,
  stage_entered_at    timestamptz not null,
  closed_at           timestamptz,
  next_action_at      timestamptz,
  converted_from_id   uuid,
  converted_to_id     uuid,
  external_id         text,
  deleted_at          timestamptz,
  created_at          timestamptz not null,
  -- kept beside the facts: not part of what the log replays
  version             bigint not null default 1,
  last_activity_at    timestamptz not null,
  email_norm          text,
  search_text         text not null default '',
  primary key (org_id, id),
  unique (external_id, org_id),
  foreign key (org_id, pipeline_id) references pipelines (org_id, id),
  foreign key (org_id, pipeline_id, stage_id) references stages (org_id, pipeline_id, id),
  foreign key (org_id, contact_id) references contacts (org_id, id),
  foreign key (org_id, company_id) references companies (org_id, id),
  foreign key (org_id, owner_id) references members (org_id, id),
  foreign key (org_id, converted_from_id) references leads (org_id, id),
  foreign key (org_id, converted_to_id) references leads (org_id, id)
);
create index leads_board on leads (org_id, stage_id, stage_entered_at desc, id desc) where deleted_at is null;
create index leads_newest on leads (org_id, created_at desc, id desc) where deleted_at is null;
create index leads_pipeline_newest on leads (org_id, pipeline_id, created_at desc, id desc) where deleted_at is null;
create index leads_owner on leads (org_id, owner_id, created_at desc, id desc) where deleted_at is null;
create index leads_email on leads (org_id, email_norm) where email_norm is not null;
create index leads_contact on leads (org_id, contact_id) where contact_id is not null;

create table customers (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null,
  name        text not null check (name <> ''),
  contact_id  uuid,
  company_id  uuid,
  lead_id     uuid not null,
  external_id text,
  version     bigint not null default 1,
  created_at  timestamptz not null,
  primary key (org_id, id),
  unique (org_id, lead_id),
  unique (external_id, org_id),
  foreign key (org_id, contact_id) references contacts (org_id, id),
  foreign key (org_id, company_id) references companies (org_id, id),
  foreign key (org_id, lead_id) references leads (org_id, id)
);

-- Counts and sums: deltas appended by every change of a lead, folded into totals about once a second; the truth is their sum.
create table stage_totals (
  org_id      uuid not null references organizations (org_id),
  stage_id    uuid not null,
  currency    text not null,
  leads       bigint not null,
  value_cents bigint not null,
  scored      bigint not null,
  score_sum   bigint not null,
  primary key (org_id, stage_id, currency)
);

create table stage_deltas (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null default uuidv7(),
  stage_id    uuid not null,
  currency    text not null,
  leads       bigint not null,
  value_cents bigint not null,
  scored      bigint not null,
  score_sum   bigint not null,
  primary key (org_id, id)
);

-- ── The log ──

create table activities (
  org_id       uuid not null references organizations (org_id),
  id           uuid not null,
  kind         text not null,
  actor_type   text not null check (actor_type in ('user', 'agent', 'system')),
  actor_id     uuid,
  actor_name   text not null,
  via          text not null,
  lead_id      uuid,
  lead_version bigint,
  subject_type text not null,
  subject_id   uuid not null,
  changes      jsonb not null default '{}',
  payload      jsonb not null default '{}',
  reason       text,
  operation    text not null,
  operation_id uuid not null,
  caused_by    uuid,
  depth        smallint not null default 0 check (depth between 0 and 16),
  occurred_at  timestamptz not null,
  recorded_at  timestamptz not null default now(),
  txid         xid8 not null default pg_current_xact_id(),
  salt         bytea not null,
  digest       bytea not null,
  primary key (org_id, id),
  check ((actor_type = 'system') = (actor_id is null)),
  foreign key (org_id, lead_id) references leads (org_id, id)
);
create index activities_lead on activities (org_id, lead_id, occurred_at desc, id desc) where lead_id is not null;
create index activities_newest on activities (org_id, occurred_at desc, id desc);
create index activities_operation on activities (org_id, operation_id);
create index activities_commit_order on activities (txid, id);

create table lead_scores (
  org_id       uuid not null,
  id           uuid not null,
  lead_id      uuid not null,
  number       integer not null,
  score        smallint not null check (score between 0 and 100),
  band         text not null check (band in ('high', 'medium', 'low')),
  reasons      jsonb not null,
  cause        text not null check (cause in ('creation', 'change', 'request', 'batch')),
  operation_id uuid not null,
  created_at   timestamptz not null,
  primary key (org_id, id),
  unique (org_id, lead_id, number),
  foreign key (org_id, lead_id) references leads (org_id, id)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'The log is append-only: % of % is refused', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;

create trigger activities_append_only before update or delete on activities for each row execute function refuse_change();
create trigger activities_no_truncate before truncate on activities for each statement execute function refuse_change();
create trigger lead_scores_append_only before update or delete on lead_scores for each row execute function refuse_change();
create trigger lead_scores_no_truncate before truncate on lead_scores for each statement execute function refuse_change();

-- ── Tasks ──

create table tasks (
  org_id       uuid not null,
  id           uuid not null,
  lead_id      uuid,
  contact_id   uuid,
  company_id   uuid,
  kind         text not null default 'follow_up' check (kind in ('follow_up', 'call', 'email', 'meeting', 'todo')),
  title        text not null check (title <> ''),
  notes        text,
  due_at       timestamptz not null,
  assignee_id  uuid,
  status       text not null default 'open' check (status in ('open', 'done', 'cancelled')),
  completed_at timestamptz,
  external_id  text,
  version      bigint not null default 1,
  created_at   timestamptz not null,
  primary key (org_id, id),
  unique (external_id, org_id),
  foreign key (org_id, lead_id) references leads (org_id, id),
  foreign key (org_id, contact_id) references contacts (org_id, id),
  foreign key (org_id, company_id) references companies (org_id, id),
  foreign key (org_id, assignee_id) references members (org_id, id)
);
create index tasks_lead on tasks (org_id, lead_id, due_at) where status = 'open';
create index tasks_assignee on tasks (org_id, assignee_id, due_at) where status = 'open';

-- ── Scoring and routing: rules are rows ──

create table scoring_factors (
  org_id     uuid not null references organizations (org_id),
  id         uuid not null,
  key        text not null,
  label      text not null,
  max_points smallint not null check (max_points between 0 and 100),
  combine    text not null check (combine in ('best', 'sum')),
  position   integer not null,
  version    bigint not null default 1,
  primary key (org_id, id),
  unique (org_id, key)
);

create table scoring_rules (
  org_id    uuid not null,
  id        uuid not null,
  factor_id uuid not null,
  name      text not null,
  condition jsonb not null,
  points    smallint not null check (points between -100 and 100),
  position  integer not null,
  enabled   boolean not null default true,
  version   bigint not null default 1,
  primary key (org_id, id),
  foreign key (org_id, factor_id) references scoring_factors (org_id, id)
);

create table routing_rules (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null,
  pipeline_id uuid,
  stage_id    uuid,
  name        text not null,
  condition   jsonb not null default '{"all": []}',
  position    integer not null,
  enabled     boolean not null default true,
  version     bigint not null default 1,
  primary key (org_id, id),
  foreign key (org_id, pipeline_id) references pipelines (org_id, id),
  foreign key (org_id, stage_id) references stages (org_id, id)
);

create table routing_pool (
  org_id           uuid not null,
  rule_id          uuid not null,
  member_id        uuid not null,
  position         integer not null,
  last_assigned_at timestamptz,
  primary key (org_id, rule_id, member_id),
  foreign key (org_id, rule_id) references routing_rules (org_id, id) on delete cascade,
  foreign key (org_id, member_id) references members (org_id, id)
);

-- ── Agents: playbooks and runs ──

create table playbook_rules (
  org_id    uuid not null,
  id        uuid not null,
  agent_id  uuid not null,
  name      text not null,
  trigger   text not null,
  condition jsonb not null default '{"all": []}',
  steps     jsonb not null,
  position  integer not null,
  enabled   boolean not null default true,
  version   bigint not null default 1,
  primary key (org_id, id),
  foreign key (org_id, agent_id) references members (org_id, id)
);

create table agent_runs (
  org_id      uuid not null,
  id          uuid not null,
  agent_id    uuid not null,
  lead_id     uuid,
  activity_id uuid not null,
  status      text not null check (status in ('running', 'done', 'failed')),
  receipt     jsonb not null default '[]',
  started_at  timestamptz not null,
  finished_at timestamptz,
  primary key (org_id, id),
  unique (org_id, agent_id, activity_id),
  foreign key (org_id, agent_id) references members (org_id, id),
  foreign key (org_id, lead_id) references leads (org_id, id),
  foreign key (org_id, activity_id) references activities (org_id, id)
);
create index agent_runs_lead on agent_runs (org_id, lead_id);

-- ── Forms and idempotency ──

create table forms (
  org_id          uuid not null references organizations (org_id),
  id              uuid not null,
  name            text not null check (name <> ''),
  address         text not null,
  pipeline_id     uuid,
  fields          jsonb not null,
  source          text not null default 'website',
  success_message text not null,
  redirect_url    text,
  status          text not null default 'live' check (status in ('live', 'closed')),
  version         bigint not null default 1,
  created_at      timestamptz not null,
  primary key (org_id, id),
  unique (org_id, address),
  foreign key (org_id, pipeline_id) references pipelines (org_id, id)
);

create table idempotency_keys (
  org_id      uuid not null references organizations (org_id),
  actor       text not null,
  key         text not null,
  operation   text not null,
  fingerprint bytea not null,
  response    bytea not null,
  created_at  timestamptz not null,
  primary key (org_id, actor, key)
);
create index idempotency_keys_age on idempotency_keys (org_id, created_at);

-- ── Row-level security: the second line. The first is an explicit org_id = $1 in every statement. ──


do $$
declare t text;
begin
  foreach t in array array[
    'organizations', 'members', 'credentials', 'pipelines', 'stages', 'companies', 'contacts', 'leads', 'customers', 'stage_totals', 'stage_deltas',
    'activities', 'lead_scores', 'tasks', 'scoring_factors', 'scoring_rules', 'routing_rules', 'routing_pool', 'playbook_rules',
    'agent_runs', 'forms', 'idempotency_keys']
  loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy tenant on %I to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid)$p$, t);
    execute format('grant select, insert, update, delete on %I to baton_app', t);
  end loop;
end $$;

revoke update, delete, truncate on activities, lead_scores from baton_app;
revoke delete on leads, organizations, members, pipelines, contacts, companies from baton_app;

-- The reader across organizations: the log and the list of organizations, nothing else.
create policy relay_reads on activities for select to baton_relay using (true);
create policy relay_reads on organizations for select to baton_relay using (true);
grant select on activities, organizations to baton_relay;

create table log_cursors (
  name      text primary key,
  cluster   text not null,
  txid      xid8 not null,
  id        uuid not null,
  moved_at  timestamptz not null default now()
);
grant select, insert, update on log_cursors to baton_relay;

-- ── Directory functions ──

create function directory_person(email_norm text)
  returns table (id uuid, email text, name text, password_hash text)
  language sql stable security definer set search_path = public
  begin atomic
    select p.id, p.email, p.name, p.password_hash from directory_people p where p.email_norm = directory_person.email_norm;
  end;

create function directory_add_person(id uuid, email_norm text, email text, name text, password_hash text) returns uuid
  language plpgsql security definer set search_path = public as $$
begin
  insert into directory_people (id, email_norm, email, name, password_hash)
    values (directory_add_person.id, directory_add_person.email_norm, directory_add_person.email, directory_add_person.name, directory_add_person.password_hash)
    on conflict on constraint directory_people_email_norm_key do nothing;
  return (select p.id from directory_people p where p.email_norm = directory_add_person.email_norm);
end $$;

create function directory_set_password(id uuid, password_hash text) returns void
  language sql security definer set search_path = public
  begin atomic
    update directory_people p set password_hash = directory_set_password.password_hash where p.id = directory_set_password.id;
  end;

-- A person may hold memberships; one may only be added for the organization that the transaction has set.
create function directory_add_membership(person_id uuid, member_id uuid) returns void
  language sql security definer set search_path = public
  begin atomic
    insert into directory_memberships (person_id, org_id, member_id)
      values (directory_add_membership.person_id, nullif(current_setting('app.org_id', true), '')::uuid, directory_add_membership.member_id);
  end;

create function directory_memberships_of(person_id uuid)
  returns table (org_id uuid, org_name text, member_id uuid, name text, role text)
  language sql stable security definer set search_path = public
  begin atomic
    select m.org_id, o.name, m.id, m.name, m.role
      from directory_memberships d
      join members m on m.org_id = d.org_id and m.id = d.member_id and m.status = 'active'
      join organizations o on o.org_id = d.org_id and o.status = 'active'
     where d.person_id = directory_memberships_of.person_id
     order by o.created_at;
  end;

create function directory_add_credential(token_hash bytea, kind text, member_id uuid, expires_at timestamptz) returns void
  language sql security definer set search_path = public
  begin atomic
    insert into directory_credentials (token_hash, kind, org_id, member_id, expires_at)
      values (directory_add_credential.token_hash, directory_add_credential.kind, nullif(current_setting('app.org_id', true), '')::uuid,
              directory_add_credential.member_id, directory_add_credential.expires_at);
  end;

create function directory_credential(token_hash bytea)
  returns table (kind text, org_id uuid, org_name text, member_id uuid, member_kind text, person_id uuid, name text, role text, scopes text[])
  language sql stable security definer set search_path = public
  begin atomic
    select d.kind, d.org_id, o.name, m.id, m.kind, m.person_id, m.name, m.role, coalesce(c.scopes, '{}')
      from directory_credentials d
      join organizations o on o.org_id = d.org_id and o.status = 'active'
      join members m on m.org_id = d.org_id and m.id = d.member_id and m.status = 'active'
      left join credentials c on c.org_id = d.org_id and c.token_hash = d.token_hash
     where d.token_hash = directory_credential.token_hash and (d.expires_at is null or d.expires_at > now());
  end;

create function directory_remove_credential(token_hash bytea) returns void
  language sql security definer set search_path = public
  begin atomic
    delete from directory_credentials d where d.token_hash = directory_remove_credential.token_hash;
  end;

create function directory_remove_member_credentials(member_id uuid) returns void
  language sql security definer set search_path = public
  begin atomic
    delete from directory_credentials d
     where d.org_id = nullif(current_setting('app.org_id', true), '')::uuid and d.member_id = directory_remove_member_credentials.member_id;
  end;

create function directory_add_address(kind text, address text, target_id uuid) returns void
  language sql security definer set search_path = public
  begin atomic
    insert into directory_addresses (kind, address, org_id, target_id)
      values (directory_add_address.kind, directory_add_address.address, nullif(current_setting('app.org_id', true), '')::uuid, directory_add_address.target_id);
  end;

create function directory_address(kind text, address text) returns table (org_id uuid, target_id uuid)
  language sql stable security definer set search_path = public
  begin atomic
    select a.org_id, a.target_id from directory_addresses a
      where a.kind = directory_address.kind and a.address = directory_address.address;
  end;

do $$
declare f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'public' and p.proname like 'directory\_%'
  loop
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to baton_app', f);
  end loop;
end $$;

-- What the relay asks before it makes a job: which organizations have rules for which kinds of activity.
create policy relay_reads on playbook_rules for select to baton_relay using (true);
grant select (org_id, trigger, enabled) on playbook_rules to baton_relay;
