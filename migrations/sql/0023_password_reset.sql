-- Forgotten passwords: an e-mail asks, a worker finds whose it is and mails a link, which is kept as its hash and sets a password once.

create table directory_resets (
  id         uuid primary key,
  email_norm text not null,
  person_id  uuid references directory_people (id),
  status     text not null default 'asked' check (status in ('asked', 'sent', 'used', 'ended', 'failed')),
  token_hash bytea unique,
  asked_at   timestamptz not null,
  next_at    timestamptz not null,
  attempts   integer not null default 0,
  expires_at timestamptz,
  settled_at timestamptz
);
create index directory_resets_email on directory_resets (email_norm, asked_at);
create index directory_resets_due on directory_resets (next_at) where status = 'asked';
create index directory_resets_open on directory_resets (person_id) where status in ('asked', 'sent');

-- What the log of each other organization of the person is still to be told.
create table password_resets (
  org_id    uuid not null references organizations (org_id),
  id        uuid not null,
  member_id uuid not null,
  reset_at  timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, member_id) references members (org_id, id)
);
create index password_resets_due on password_resets (reset_at);
alter table password_resets enable row level security;
create policy tenant on password_resets to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid);
grant select, delete on password_resets to baton_app;
create policy relay_reads on password_resets for select to baton_relay using (true);
grant select (org_id, id, reset_at) on password_resets to baton_relay;

-- One row, whoever has the address and however often it asked: what comes of it a worker decides later.
create function directory_ask_reset(id uuid, email_norm text, moment timestamptz) returns void
  language sql security definer set search_path = public
  begin atomic
    insert into directory_resets (id, email_norm, asked_at, next_at)
      values (directory_ask_reset.id, directory_ask_reset.email_norm, directory_ask_reset.moment, directory_ask_reset.moment);
  end;

-- Whose mail is due, with the oldest organization where they are a member; an address that nobody signs in with is forgotten at once.
create function directory_due_resets(moment timestamptz, most integer) returns table (org_id uuid, id uuid)
  language plpgsql security definer set search_path = public as $$
begin
  if not exists (select from directory_resets r where r.status = 'asked' and r.next_at <= directory_due_resets.moment) then
    return;
  end if;
  delete from directory_resets r
   where r.status = 'asked' and r.next_at <= directory_due_resets.moment
     and not exists (select from directory_people p cross join lateral directory_memberships_of(p.id) where p.email_norm = r.email_norm);
  return query
    select m.org_id, r.id
      from directory_resets r
      join directory_people p on p.email_norm = r.email_norm
      cross join lateral (select d.org_id from directory_memberships_of(p.id) d limit 1) m
     where r.status = 'asked' and r.next_at <= directory_due_resets.moment
     order by r.next_at limit directory_due_resets.most;
end $$;

-- A link is made as its mail leaves, and ends those asked for before; where mailing stumbles the next attempt makes another.
-- Beyond `most` in the time that a link is good for none is made: the last one still holds.
create function directory_claim_reset(id uuid, token_hash bytea, moment timestamptz, again_at timestamptz, expires_at timestamptz, most integer)
  returns table (email text, name text, attempts integer)
  language plpgsql security definer set search_path = public as $$
declare
  claimed record;
  asked text := (select r.email_norm from directory_resets r where r.id = directory_claim_reset.id);
begin
  perform pg_advisory_xact_lock(hashtextextended('reset ' || asked, 0));
  delete from directory_resets r
   where r.id = directory_claim_reset.id and r.status = 'asked' and r.attempts = 0
     and (select count(*) from directory_resets o
           where o.email_norm = asked and o.attempts > 0
             and o.asked_at > directory_claim_reset.moment - (directory_claim_reset.expires_at - directory_claim_reset.moment))
         >= directory_claim_reset.most;
  update directory_resets r
     set token_hash = directory_claim_reset.token_hash, expires_at = directory_claim_reset.expires_at, person_id = p.id,
         next_at = directory_claim_reset.again_at, attempts = r.attempts + 1
    from directory_people p
   where r.id = directory_claim_reset.id and r.status = 'asked' and r.next_at <= directory_claim_reset.moment
     and p.email_norm = r.email_norm
  returning p.id as person_id, p.email, p.name, r.attempts, r.email_norm, r.asked_at, r.id into claimed;
  if claimed.id is null then
    return;
  end if;
  update directory_resets r set status = 'ended', settled_at = directory_claim_reset.moment
   where r.email_norm = claimed.email_norm and r.status in ('asked', 'sent') and (r.asked_at, r.id) < (claimed.asked_at, claimed.id);
  return query select claimed.email, claimed.name, claimed.attempts;
end $$;

create function directory_settle_reset(id uuid, status text, moment timestamptz) returns void
  language sql security definer set search_path = public
  begin atomic
    update directory_resets r
       set status = directory_settle_reset.status,
           settled_at = case when directory_settle_reset.status = 'sent' then null else directory_settle_reset.moment end
     where r.id = directory_settle_reset.id and r.status = 'asked';
  end;

create function directory_open_reset(token_hash bytea, moment timestamptz) returns table (person_id uuid, email text)
  language sql stable security definer set search_path = public
  begin atomic
    select p.id, p.email from directory_resets r join directory_people p on p.id = r.person_id
     where r.token_hash = directory_open_reset.token_hash and r.status in ('asked', 'sent') and r.expires_at > directory_open_reset.moment;
  end;

-- A password that changes, by whatever way, ends the links that could change it again.
create or replace function directory_set_password(id uuid, password_hash text) returns void
  language sql security definer set search_path = public
  begin atomic
    update directory_people p set password_hash = directory_set_password.password_hash, password_given = false
     where p.id = directory_set_password.id;
    update directory_resets r set status = 'ended', settled_at = now()
     where r.person_id = directory_set_password.id and r.status in ('asked', 'sent');
  end;

-- One of two who use a link at once sets the password, in the organization of the transaction; the others' logs are told after it.
create function directory_use_reset(token_hash bytea, password_hash text, moment timestamptz) returns uuid
  language plpgsql security definer set search_path = public as $$
declare
  here uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  person uuid;
begin
  update directory_resets r set status = 'used', settled_at = directory_use_reset.moment
   where r.token_hash = directory_use_reset.token_hash and r.status in ('asked', 'sent') and r.expires_at > directory_use_reset.moment
     and exists (select from directory_memberships_of(r.person_id) m where m.org_id = here)
  returning r.person_id into person;
  if person is not null then
    perform directory_set_password(person, directory_use_reset.password_hash);
    perform directory_end_sessions_of(person);
    insert into password_resets (org_id, id, member_id, reset_at)
    select d.org_id, gen_random_uuid(), d.member_id, directory_use_reset.moment
      from directory_memberships d join members m on m.org_id = d.org_id and m.id = d.member_id and m.status = 'active'
     where d.person_id = person and d.org_id <> here;
  end if;
  return person;
end $$;

create function directory_forget_resets(before timestamptz) returns bigint
  language sql security definer set search_path = public
  begin atomic
    with gone as (delete from directory_resets r
                   where coalesce(r.settled_at, r.expires_at, r.asked_at) < directory_forget_resets.before returning 1)
    select count(*) from gone;
  end;

do $$
declare f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'public' and p.proname like 'directory\_%\_reset%'
  loop
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to %I', f,
                   case when f::text ~ 'directory_(due|forget)_resets' then 'baton_relay' else 'baton_app' end);
  end loop;
end $$;

-- Invitations that are settled or over are found by their age.
create index invitations_age on invitations (org_id, (coalesce(settled_at, expires_at)));
