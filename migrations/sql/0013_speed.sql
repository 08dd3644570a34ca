-- Indexes for what is read and written most.

-- A list is filtered by stage and owner more than by anything else; the newest first.
create index leads_stage_owner on leads (org_id, stage_id, owner_id, created_at desc, id desc) where deleted_at is null;
-- Orders of the list: leads without a value are in these too, so that they are read from a place on like the others.
create index leads_by_score on leads (org_id, score, id) where deleted_at is null;
create index leads_by_company on leads (org_id, company_key, id) where deleted_at is null;
-- Figures of a pipeline and a period are counted in this index alone.
drop index leads_pipeline_newest;
create index leads_pipeline_newest on leads (org_id, pipeline_id, created_at desc, id desc)
  include (stage_id, status, source, currency, value_cents, score) where deleted_at is null;

-- Sessions, keys and tokens that ended open nothing; the relay forgets them each night. What it removes it never sees.
create function directory_forget_ended(before timestamptz) returns bigint
  language plpgsql security definer set search_path = public as $$
declare removed bigint;
begin
  delete from directory_credentials d where d.expires_at < least(before, now());
  get diagnostics removed = row_count;
  return removed;
end $$;
revoke all on function directory_forget_ended(timestamptz) from public;
grant execute on function directory_forget_ended(timestamptz) to baton_relay;
