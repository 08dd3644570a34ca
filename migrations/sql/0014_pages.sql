-- What happened to a contact or a company is read by its subject; leads have an index of their own.
create index activities_record on activities (org_id, subject_type, subject_id, occurred_at desc, id desc)
 where subject_type in ('contact', 'company');

-- A person signs out everywhere, or chooses another password: sessions end, keys and agents' tokens stay.
create function directory_end_sessions(member_id uuid) returns bigint
  language plpgsql security definer set search_path = public as $$
declare ended bigint;
begin
  delete from directory_credentials d
   where d.kind = 'session' and d.org_id = nullif(current_setting('app.org_id', true), '')::uuid
     and d.member_id = directory_end_sessions.member_id;
  get diagnostics ended = row_count;
  return ended;
end $$;
revoke all on function directory_end_sessions(uuid) from public;
grant execute on function directory_end_sessions(uuid) to baton_app;
