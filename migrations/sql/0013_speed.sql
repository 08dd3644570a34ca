-- Indexes for what is read and written most.

-- A list is filtered by stage and owner more than by anything else; the newest first.
create index leads_stage_owner on leads (org_id, stage_id, owner_id, created_at desc, id desc) where deleted_at is null;
-- Orders of the list: leads without a value are in these too, so that they are read from a place on like the others.
create index leads_by_score on leads (org_id, score, id) where deleted_at is null;
create index leads_by_company on leads (org_id, company_key, id) where deleted_at is null;
