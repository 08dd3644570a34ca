-- How a member reads: the language (null as the browser says), and light or dark (null as this browser remembers).
alter table members
  add column language text check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
  add column theme text check (theme in ('system', 'light', 'dark'));

-- Who a credential belongs to, and how they read: every page asks both at once.
drop function directory_credential(bytea);
create function directory_credential(token_hash bytea)
  returns table (kind text, org_id uuid, org_name text, member_id uuid, member_kind text, person_id uuid, name text, role text, scopes text[],
                 language text, theme text, time_zone text)
  language sql stable security definer set search_path = public
  begin atomic
    select d.kind, d.org_id, o.name, m.id, m.kind, m.person_id, m.name, m.role, coalesce(c.scopes, '{}'), m.language, m.theme, m.time_zone
      from directory_credentials d
      join organizations o on o.org_id = d.org_id and o.status = 'active'
      join members m on m.org_id = d.org_id and m.id = d.member_id and m.status = 'active'
      left join credentials c on c.org_id = d.org_id and c.token_hash = d.token_hash
     where d.token_hash = directory_credential.token_hash and (d.expires_at is null or d.expires_at > now());
  end;
revoke all on function directory_credential(bytea) from public;
grant execute on function directory_credential(bytea) to baton_app;
