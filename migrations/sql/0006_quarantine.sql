-- Captures that look suspicious wait for a person: nothing is lost, and nothing reaches the board by itself.

alter table forms add column proof_of_work boolean not null default false;

create table held_captures (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null,
  form_id     uuid not null,
  answers     jsonb not null,
  reasons     text[] not null,
  network     text not null,
  status      text not null default 'waiting' check (status in ('waiting', 'released', 'discarded')),
  lead_id     uuid,
  version     bigint not null default 1,
  created_at  timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, form_id) references forms (org_id, id),
  foreign key (org_id, lead_id) references leads (org_id, id)
);
create index held_captures_waiting on held_captures (org_id, created_at desc, id desc) where status = 'waiting';

alter table held_captures enable row level security;
create policy tenant on held_captures to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
grant select, insert, update on held_captures to baton_app;
