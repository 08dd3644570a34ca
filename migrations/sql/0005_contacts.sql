-- Contacts and companies: duplicates, merge, unmerge.
select 1;
