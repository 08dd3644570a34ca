-- What happened to a contact or a company is read by its subject; leads have an index of their own.
create index activities_record on activities (org_id, subject_type, subject_id, occurred_at desc, id desc)
 where subject_type in ('contact', 'company');
