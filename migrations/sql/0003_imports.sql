-- Imports that are kept, previewed, resumed and undone.

-- `upload` is the random name of the file below the data directory, gone once its rows are in; `position` counts the rows that are done;
-- `undo_position` is the last lead that was taken back.
create table imports (
  org_id         uuid not null references organizations (org_id),
  id             uuid not null,
  started_by     uuid,
  acting_id      uuid,
  file           text not null check (file <> ''),
  upload         text,
  size           bigint not null check (size >= 0),
  state          text not null check (state in ('reading', 'ready', 'running', 'done', 'failed', 'undoing', 'undone')),
  options        jsonb not null,
  found          jsonb,
  operation_id   uuid not null,
  undo_id        uuid not null,
  position       bigint not null default 0,
  created        bigint not null default 0,
  updated        bigint not null default 0,
  duplicates     bigint not null default 0,
  refused        bigint not null default 0,
  undo_position  uuid,
  reversed       bigint not null default 0,
  kept           bigint not null default 0,
  impossible     bigint not null default 0,
  error          text,
  version        bigint not null default 1,
  created_at     timestamptz not null,
  finished_at    timestamptz,
  primary key (org_id, id),
  unique (upload, org_id),
  foreign key (org_id, started_by) references members (org_id, id),
  foreign key (org_id, acting_id) references members (org_id, id)
);
create index imports_newest on imports (org_id, created_at desc, id desc);

-- The rows that an import left out, as they stood in the file.
create table import_refusals (
  org_id    uuid not null,
  import_id uuid not null,
  line      bigint not null,
  reason    text not null,
  cells     jsonb not null,
  primary key (org_id, import_id, line),
  foreign key (org_id, import_id) references imports (org_id, id)
);

-- What the undo of an import left as it was, and why.
create table import_remains (
  org_id    uuid not null,
  id        uuid not null,
  import_id uuid not null,
  lead_id   uuid not null,
  what      text not null,
  outcome   text not null check (outcome in ('kept', 'impossible')),
  why       text,
  primary key (org_id, id),
  foreign key (org_id, import_id) references imports (org_id, id),
  foreign key (org_id, lead_id) references leads (org_id, id)
);
create index import_remains_import on import_remains (org_id, import_id, id);

do $$
declare t text;
begin
  foreach t in array array['imports', 'import_refusals', 'import_remains']
  loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy tenant on %I to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid)$p$, t);
    execute format('grant select, insert, update, delete on %I to baton_app', t);
  end loop;
end $$;
