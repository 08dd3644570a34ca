-- Contacts and companies: duplicates, merge and unmerge. Scoring weights. Routing: working hours and shares.

-- A merged record stays, so that its e-mail or name still leads to the survivor, and unmerging brings it back;
-- `merged_by` is the operation that merged it.
alter table contacts
  add column merged_into_id uuid,
  add column merged_by      uuid,
  add foreign key (org_id, merged_into_id) references contacts (org_id, id);
alter table companies
  add column merged_into_id uuid,
  add column merged_by      uuid,
  add foreign key (org_id, merged_into_id) references companies (org_id, id);

create index contacts_newest on contacts (org_id, created_at desc, id desc) where merged_into_id is null;
create index contacts_name on contacts (org_id, name, id) where merged_into_id is null;
create index contacts_company on contacts (org_id, company_id) where company_id is not null;
create index contacts_phone on contacts (org_id, phone) where phone is not null;
create index contacts_merged on contacts (org_id, merged_into_id) where merged_into_id is not null;
create index companies_newest on companies (org_id, created_at desc, id desc) where merged_into_id is null;
create index companies_name on companies (org_id, name, id) where merged_into_id is null;
create index companies_merged on companies (org_id, merged_into_id) where merged_into_id is not null;
create index leads_company on leads (org_id, company_id) where company_id is not null;
create index customers_newest on customers (org_id, created_at desc, id desc);

-- A factor's points count so many times.
alter table scoring_factors add column weight double precision not null default 1 check (weight between 0 and 10);

-- Whose turn it is: each lead taken moves a member's turn on by 1 / share, so one of share 2 takes two in a round.
alter table routing_rules
  add column working_hours boolean not null default false,
  add column turn          double precision not null default 0;
alter table routing_pool
  add column share smallint not null default 1 check (share between 1 and 100),
  add column turn  double precision not null default 0;
