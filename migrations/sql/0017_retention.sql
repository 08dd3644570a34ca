-- What has served its time is found by its age: notices, and suspicious captures that a person decided on.
create index notices_age on notices (org_id, created_at);
create index held_captures_age on held_captures (org_id, created_at) where status <> 'waiting';
grant delete on held_captures to baton_app;
