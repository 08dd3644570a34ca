-- Invitations: a person is asked in by a link, which is kept as its hash, and chooses a password that nobody else ever knew.

create table invitations (
  org_id        uuid not null references organizations (org_id),
  id            uuid not null,
  email         text not null,
  email_norm    text not null,
  name          text not null check (name <> ''),
  role          text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  invited_by    uuid not null,
  status        text not null default 'waiting' check (status in ('waiting', 'accepted', 'revoked')),
  expires_at    timestamptz not null,
  member_id     uuid,
  settled_at    timestamptz,
  mail          text not null default 'waiting' check (mail in ('none', 'waiting', 'sent', 'failed')),
  mail_at       timestamptz,
  mail_attempts integer not null default 0,
  mail_error    text,
  mailed_at     timestamptz,
  version       bigint not null default 1,
  created_at    timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, invited_by) references members (org_id, id),
  foreign key (org_id, member_id) references members (org_id, id)
);
create unique index invitations_open on invitations (email_norm, org_id) where status = 'waiting';
create index invitations_newest on invitations (org_id, created_at desc, id desc);
create index invitations_mail on invitations (mail_at) where mail = 'waiting';

alter table invitations enable row level security;
create policy tenant on invitations to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
grant select, insert, update, delete on invitations to baton_app;
-- Whose mail is due: moments, nothing of who is invited.
create policy relay_reads on invitations for select to baton_relay using (true);
grant select (org_id, id, mail, mail_at) on invitations to baton_relay;

-- A link's hash leads to its organization and invitation, as a form's address does to its form.
alter table directory_addresses drop constraint directory_addresses_kind_check;
alter table directory_addresses
  add constraint directory_addresses_kind_check check (kind in ('form', 'mailbox', 'whatsapp', 'invitation'));
create index directory_addresses_target on directory_addresses (org_id, target_id);

create function directory_remove_addresses(kind text, target_id uuid) returns void
  language sql security definer set search_path = public
  begin atomic
    delete from directory_addresses a
     where a.kind = directory_remove_addresses.kind and a.org_id = nullif(current_setting('app.org_id', true), '')::uuid
       and a.target_id = directory_remove_addresses.target_id;
  end;

-- Whether somebody else chose the password, and so may know it: before it opens another organization, its owner chooses anew.
alter table directory_people add column password_given boolean not null default false;
update directory_people set password_given = true where password_hash is not null;

create or replace function directory_set_password(id uuid, password_hash text) returns void
  language sql security definer set search_path = public
  begin atomic
    update directory_people p set password_hash = directory_set_password.password_hash, password_given = false
     where p.id = directory_set_password.id;
  end;

create function directory_note_given(id uuid) returns void
  language sql security definer set search_path = public
  begin atomic
    update directory_people p set password_given = true where p.id = directory_note_given.id;
  end;

create function directory_password_given(id uuid) returns boolean
  language sql stable security definer set search_path = public
  begin atomic
    select p.password_given from directory_people p where p.id = directory_password_given.id;
  end;

-- Who chooses anew because somebody else may know the password is signed out wherever that somebody may be signed in.
create function directory_end_sessions_of(person_id uuid) returns void
  language sql security definer set search_path = public
  begin atomic
    delete from directory_credentials d using directory_memberships m
     where m.person_id = directory_end_sessions_of.person_id and d.org_id = m.org_id and d.member_id = m.member_id and d.kind = 'session';
  end;

do $$
declare f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'public'
              and p.proname in ('directory_remove_addresses', 'directory_note_given', 'directory_password_given', 'directory_end_sessions_of')
  loop
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to baton_app', f);
  end loop;
end $$;
