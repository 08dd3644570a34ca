-- E-mail and WhatsApp: accounts, templates, what goes out and comes in, suppression.

alter table directory_addresses drop constraint directory_addresses_kind_check;
alter table directory_addresses add constraint directory_addresses_kind_check check (kind in ('form', 'mailbox', 'whatsapp'));

create table mailboxes (
  org_id          uuid not null references organizations (org_id),
  id              uuid not null,
  member_id       uuid,
  from_name       text not null,
  from_address    text not null,
  smtp_host       text not null,
  smtp_port       integer not null check (smtp_port between 1 and 65535),
  smtp_security   text not null check (smtp_security in ('tls', 'starttls', 'none')),
  smtp_user       text,
  smtp_password   bytea,
  imap_host       text,
  imap_port       integer check (imap_port between 1 and 65535),
  imap_security   text check (imap_security in ('tls', 'starttls', 'none')),
  imap_user       text,
  imap_password   bytea,
  imap_folder     text not null default 'INBOX',
  mark_seen       boolean not null default false,
  uid_validity    bigint,
  last_uid        bigint not null default 0,
  next_poll_at    timestamptz,
  polled_at       timestamptz,
  poll_error      text,
  poll_failures   integer not null default 0,
  seen            bigint not null default 0,
  repeated        bigint not null default 0,
  inbound_address text not null,
  inbound_secret  bytea not null,
  status          text not null default 'active' check (status in ('active', 'paused', 'removed')),
  version         bigint not null default 1,
  created_at      timestamptz not null,
  primary key (org_id, id),
  unique (inbound_address, org_id),
  foreign key (org_id, member_id) references members (org_id, id)
);
create index mailboxes_due on mailboxes (org_id, next_poll_at) where next_poll_at is not null;

create table whatsapp_accounts (
  org_id          uuid not null references organizations (org_id),
  id              uuid not null,
  provider        text not null check (provider in ('meta', 'twilio')),
  name            text not null check (name <> ''),
  number          text not null,
  account         text not null,
  token           bytea not null,
  signing_secret  bytea not null,
  verify_token    text not null,
  base_url        text not null,
  inbound_address text not null,
  status          text not null default 'active' check (status in ('active', 'paused', 'removed')),
  version         bigint not null default 1,
  created_at      timestamptz not null,
  primary key (org_id, id),
  unique (inbound_address, org_id)
);

-- Who has a phone number.
create index leads_phone on leads (org_id, phone) where phone is not null;

create table message_templates (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null,
  name        text not null check (name <> ''),
  subject     text not null,
  text        text not null default '',
  html        text,
  external_id text,
  archived_at timestamptz,
  version     bigint not null default 1,
  created_at  timestamptz not null,
  primary key (org_id, id),
  unique (external_id, org_id)
);

-- What goes out. `lane_id` is the mailbox or WhatsApp number that carries it; all zeros is the installation's own relay.
-- `raw` holds the exact bytes of an e-mail, fixed before anything leaves. Whether it was `sending` is committed by itself.
create table messages (
  org_id        uuid not null references organizations (org_id),
  id            uuid not null,
  channel       text not null check (channel in ('email', 'whatsapp')),
  lane_id       uuid not null,
  lead_id       uuid,
  contact_id    uuid,
  member_id     uuid,
  thread_id     uuid not null,
  recipient     text not null,
  sender        text not null,
  subject       text not null default '',
  text          text not null default '',
  html          text,
  whatsapp      jsonb,
  raw           bytea,
  message_id    text,
  in_reply_to   text,
  provider_id   text,
  template_id   uuid,
  state         text not null check (state in ('waiting', 'sending', 'sent', 'in_doubt', 'failed', 'cancelled')),
  delivery      text check (delivery in ('delivered', 'read', 'failed', 'bounced', 'complained')),
  attempts      integer not null default 0,
  next_at       timestamptz not null,
  sending_since timestamptz,
  sent_at       timestamptz,
  error         text,
  actor         jsonb not null,
  activity_id   uuid not null,
  depth         smallint not null default 0,
  operation_id  uuid not null,
  version       bigint not null default 1,
  created_at    timestamptz not null,
  primary key (org_id, id),
  unique (message_id, org_id),
  foreign key (org_id, lead_id) references leads (org_id, id),
  foreign key (org_id, contact_id) references contacts (org_id, id),
  foreign key (org_id, member_id) references members (org_id, id),
  foreign key (org_id, template_id) references message_templates (org_id, id),
  check (num_nonnulls(lead_id, contact_id, member_id) > 0)
);
create index messages_due on messages (org_id, lane_id, next_at) where state = 'waiting';
create index messages_sending on messages (org_id, lane_id, sending_since) where state = 'sending';
create index messages_in_doubt on messages (org_id, created_at) where state = 'in_doubt';
create index messages_lead on messages (org_id, lead_id, created_at desc, id desc) where lead_id is not null;
create index messages_thread on messages (org_id, thread_id);
create index messages_provider on messages (org_id, provider_id) where provider_id is not null;

-- Who was, is being or will be written to, by every key that the person is known by; what did not leave is taken out again.
create table outreach (
  org_id     uuid not null,
  id         uuid not null,
  key        text not null,
  message_id uuid not null,
  at         timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, message_id) references messages (org_id, id)
);
create index outreach_key on outreach (org_id, key, at desc);
create index outreach_message on outreach (org_id, message_id);

create table inbound_messages (
  org_id       uuid not null references organizations (org_id),
  id           uuid not null,
  channel      text not null check (channel in ('email', 'whatsapp')),
  lane_id      uuid not null,
  uid          bigint,
  message_id   text not null,
  sender       text not null,
  sender_key   text not null,
  sender_name  text not null default '',
  subject      text not null default '',
  text         text not null default '',
  html         text,
  kind         text not null check (kind in ('message', 'reply', 'automatic', 'bounce', 'complaint', 'own', 'unreadable')),
  state        text not null check (state in ('matched', 'stored', 'waiting', 'skipped')),
  reason       text not null default '',
  lead_id      uuid,
  thread_id    uuid not null,
  answers_id   uuid,
  received_at  timestamptz not null,
  created_at   timestamptz not null,
  version      bigint not null default 1,
  primary key (org_id, id),
  unique (lane_id, message_id, org_id),
  foreign key (org_id, lead_id) references leads (org_id, id),
  foreign key (org_id, answers_id) references messages (org_id, id)
);
create index inbound_messages_ids on inbound_messages (org_id, message_id);
create index inbound_messages_sender on inbound_messages (org_id, sender_key, received_at desc);
create index inbound_messages_lead on inbound_messages (org_id, lead_id, received_at desc) where lead_id is not null;
create index inbound_messages_waiting on inbound_messages (org_id, created_at desc, id desc) where state = 'waiting';
create index inbound_messages_lane on inbound_messages (org_id, lane_id, state);

create table message_files (
  org_id       uuid not null references organizations (org_id),
  id           uuid not null,
  message_id   uuid,
  inbound_id   uuid,
  name         text not null,
  content_type text not null,
  size         integer not null,
  content      bytea not null,
  created_by   uuid,
  created_at   timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, message_id) references messages (org_id, id),
  foreign key (org_id, inbound_id) references inbound_messages (org_id, id)
);
create index message_files_message on message_files (org_id, message_id) where message_id is not null;
create index message_files_inbound on message_files (org_id, inbound_id) where inbound_id is not null;

create table suppressions (
  org_id     uuid not null references organizations (org_id),
  id         uuid not null,
  key        text not null,
  address    text not null,
  reason     text not null check (reason in ('unsubscribe', 'bounce', 'complaint', 'manual')),
  note       text,
  created_at timestamptz not null,
  primary key (org_id, id),
  unique (key, org_id)
);

do $$
declare t text;
begin
  foreach t in array array[
    'mailboxes', 'whatsapp_accounts', 'message_templates', 'messages', 'outreach', 'inbound_messages', 'message_files', 'suppressions']
  loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy tenant on %I to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid)$p$, t);
    execute format('grant select, insert, update, delete on %I to baton_app', t);
  end loop;
end $$;

-- What the worker asks to see what is due: no text, no address, no secret.
create policy relay_reads on mailboxes for select to baton_relay using (true);
create policy relay_reads on whatsapp_accounts for select to baton_relay using (true);
create policy relay_reads on messages for select to baton_relay using (true);
create policy relay_reads on inbound_messages for select to baton_relay using (true);
grant select (org_id, id, status, next_poll_at, polled_at, poll_error) on mailboxes to baton_relay;
grant select (org_id, id, status) on whatsapp_accounts to baton_relay;
grant select (org_id, id, channel, lane_id, state, next_at, sending_since, created_at) on messages to baton_relay;
grant select (org_id, id, lane_id, state, created_at) on inbound_messages to baton_relay;
