-- Notices to members, the organization's calendar, service levels, recurring tasks.
select 1;
