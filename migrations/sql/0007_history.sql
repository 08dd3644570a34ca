-- The History view reads a pipeline's closed leads, the last closed first.
create index leads_history on leads (org_id, pipeline_id, closed_at desc, id desc) where closed_at is not null and deleted_at is null;
-- An agent's page reads its runs, the newest first.
create index agent_runs_agent on agent_runs (org_id, agent_id, started_at desc, id desc);
