-- Automations and sequences: rules, versions, runs, enrolments.
select 1;
