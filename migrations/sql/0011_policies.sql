-- Agents: policies, caps, approvals, hand-offs.
select 1;
