-- Custom fields, tags, saved views, segments.
select 1;
