-- Where a person is signed in: each session has a name of its own, what signed in, and when it was used last.
alter table directory_credentials
  add column id uuid not null default gen_random_uuid(),
  add column device text,
  add column used_at timestamptz;

create function directory_note_use(token_hash bytea, device text) returns void
  language sql security definer set search_path = public
  begin atomic
    update directory_credentials d set used_at = now(), device = directory_note_use.device
     where d.token_hash = directory_note_use.token_hash and d.kind = 'session';
  end;

create function directory_sessions(member_id uuid)
  returns table (id uuid, device text, created_at timestamptz, used_at timestamptz, expires_at timestamptz)
  language sql stable security definer set search_path = public
  begin atomic
    select d.id, d.device, d.created_at, d.used_at, d.expires_at
      from directory_credentials d
     where d.kind = 'session' and d.org_id = nullif(current_setting('app.org_id', true), '')::uuid
       and d.member_id = directory_sessions.member_id and (d.expires_at is null or d.expires_at > now())
     order by coalesce(d.used_at, d.created_at) desc, d.id limit 100;
  end;

create function directory_session_of(token_hash bytea) returns uuid
  language sql stable security definer set search_path = public
  begin atomic
    select d.id from directory_credentials d where d.token_hash = directory_session_of.token_hash and d.kind = 'session';
  end;

create function directory_end_session(member_id uuid, id uuid) returns text
  language plpgsql security definer set search_path = public as $$
declare ended text;
begin
  delete from directory_credentials d
   where d.kind = 'session' and d.org_id = nullif(current_setting('app.org_id', true), '')::uuid
     and d.member_id = directory_end_session.member_id and d.id = directory_end_session.id
  returning coalesce(d.device, '') into ended;
  return ended;
end $$;

do $$
declare f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'public'
              and p.proname in ('directory_note_use', 'directory_sessions', 'directory_session_of', 'directory_end_session')
  loop
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to baton_app', f);
  end loop;
end $$;
