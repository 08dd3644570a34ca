-- Custom fields, the organization's exchange rates, saved views, segments, search.

-- ── Custom fields: what an organization says of its leads beyond the fields that every lead has ──

create table field_definitions (
  org_id      uuid not null references organizations (org_id),
  id          uuid not null,
  key         text not null check (key ~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'),
  label       text not null check (label <> ''),
  type        text not null check (type in ('shortText', 'longText', 'integer', 'decimal', 'date', 'yesNo', 'select', 'multiSelect', 'url')),
  options     text[] not null default '{}',
  required    boolean not null default false,
  position    integer not null,
  archived_at timestamptz,
  version     bigint not null default 1,
  created_at  timestamptz not null,
  primary key (org_id, id),
  unique (key, org_id)
);

-- One unit of `currency` is `rate` units of `base`, which was the organization's own currency when the rate was set.
create table exchange_rates (
  org_id   uuid not null references organizations (org_id),
  base     text not null check (base ~ '^[A-Z]{3}$'),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  rate     numeric not null check (rate > 0),
  set_at   timestamptz not null,
  primary key (org_id, base, currency),
  check (base <> currency)
);

-- ── Saved views and segments ──

create table views (
  org_id     uuid not null,
  id         uuid not null,
  owner_id   uuid not null,
  name       text not null check (name <> ''),
  condition  jsonb not null default '{"all": []}',
  search     text,
  sort       text not null default 'createdAt',
  descending boolean not null default true,
  columns    text[] not null default '{}',
  shared     boolean not null default false,
  version    bigint not null default 1,
  created_at timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, owner_id) references members (org_id, id)
);
create index views_owner on views (org_id, owner_id);

create table segments (
  org_id     uuid not null references organizations (org_id),
  id         uuid not null,
  name       text not null check (name <> ''),
  condition  jsonb,  -- none for a static segment: its leads are named one by one
  version    bigint not null default 1,
  created_at timestamptz not null,
  primary key (org_id, id)
);

create table segment_leads (
  org_id     uuid not null,
  segment_id uuid not null,
  lead_id    uuid not null,
  primary key (org_id, segment_id, lead_id),
  foreign key (org_id, segment_id) references segments (org_id, id) on delete cascade,
  foreign key (org_id, lead_id) references leads (org_id, id)
);
create index segment_leads_lead on segment_leads (org_id, lead_id);

do $$
declare t text;
begin
  foreach t in array array['field_definitions', 'exchange_rates', 'views', 'segments', 'segment_leads']
  loop
    execute format('alter table %I enable row level security', t);
    execute format($p$create policy tenant on %I to baton_app using (org_id = nullif(current_setting('app.org_id', true), '')::uuid)$p$, t);
    execute format('grant select, insert, update, delete on %I to baton_app', t);
  end loop;
end $$;
revoke delete on field_definitions from baton_app;

-- ── Search: words are folded (no accents, no case), tagged with their organization, and kept in one index a table ──

-- Text without case and accents. The collations are PostgreSQL's own, so that every server folds alike.
create function search_fold(t text) returns text language sql immutable parallel safe strict
  return translate(replace(casefold(regexp_replace(normalize(t, NFKD), '[\u0300-\u036f]+', '', 'g') collate pg_unicode_fast), 'æ', 'ae'),
                   'øłđħı', 'oldhi');

create function search_words(t text) returns text[] language sql immutable parallel safe strict
  return (select coalesce(array_agg(distinct left(w, 60)), '{}')
            from regexp_split_to_table(search_fold(left(t, 20000)) collate pg_unicode_fast, '[^[:alnum:]]+') w where w <> '');

-- A word, and the word without each one of its letters: two words with one wrong, missing, extra or swapped letter share one of these.
create function search_spellings(words text[]) returns text[] language sql immutable parallel safe strict
  return (select coalesce(array_agg(distinct s), '{}')
            from unnest(words) w
           cross join lateral (select w as s union all select left(w, i - 1) || substr(w, i + 1) from generate_series(1, length(w)) i) x
           where length(w) between 4 and 20);

-- The words of a record, each tagged with its organization: `names` are found with a wrong letter too, `others` as they are, a phone number
-- by its last digits, so that it is found with and without its country's code. Written for speed: every insert of a lead passes here.
create function search_vector(org uuid, names text, others text, phone text) returns tsvector
  language plpgsql immutable parallel safe cost 2000 set search_path = pg_catalog, public, pg_temp as $$
declare
  tag    text := right(org::text, 8);
  digits text := regexp_replace(replace(left(phone, 40), '(0)', ''), '[^0-9]', '', 'g');
  tokens text[] := '{}';
  w      text;
begin
  foreach w in array regexp_split_to_array(search_fold(left(names, 2000)) collate pg_unicode_fast, '[^[:alnum:]]+') loop
    continue when w = '';
    tokens := tokens || (tag || '=' || left(w, 60));
    continue when length(w) not between 4 and 20;
    tokens := tokens || (tag || '~' || w);
    for i in 1..length(w) loop
      tokens := tokens || (tag || '~' || left(w, i - 1) || substr(w, i + 1));
    end loop;
  end loop;
  foreach w in array regexp_split_to_array(search_fold(left(others, 20000)) collate pg_unicode_fast, '[^[:alnum:]]+') loop
    continue when w = '';
    tokens := tokens || (tag || '=' || left(w, 60));
  end loop;
  for k in least(7, length(digits))..length(digits) loop
    continue when k = 0;
    tokens := tokens || (tag || '=' || right(digits, k));
  end loop;
  return array_to_tsvector(tokens);
end $$;

-- All words must be found, each as the beginning of a word; with `typos` also with one letter wrong. A phone number is one word.
create function search_query(org uuid, query text, typos boolean) returns tsquery language sql immutable parallel safe
  return (select string_agg(test, ' & ')::tsquery
            from (select '(''' || right(org::text, 8) || '=' || w || ''':*'
                         || coalesce((select string_agg(' | ''' || right(org::text, 8) || '~' || s || '''', '')
                                        from unnest(search_spellings(array[w])) s where typos), '') || ')' as test
                    from unnest(case when query ~ '^[-0-9 +()./]+$' and length(regexp_replace(query, '[^0-9]', '', 'g')) >= 4
                                     then array[ltrim(regexp_replace(replace(query, '(0)', ''), '[^0-9]', '', 'g'), '0')]
                                     else (search_words(left(query, 200)))[1:8] end) w
                   where w <> '') tests);

create index leads_search on leads using gin (
  search_vector(org_id, name || ' ' || coalesce(company_name, ''),
                coalesce(email, '') || ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, ''), coalesce(phone, ''))
) where deleted_at is null;
create index contacts_search on contacts using gin (search_vector(org_id, name, coalesce(email, ''), coalesce(phone, '')));
create index companies_search on companies using gin (search_vector(org_id, name, coalesce(website, ''), ''));
create index activities_search on activities using gin (search_vector(org_id, '', coalesce(payload ->> 'notes', payload ->> 'message'), ''))
  where lead_id is not null and coalesce(payload ->> 'notes', payload ->> 'message') is not null;

-- The operators of full text are not leakproof: under row-level security their indexes would never be used. These three functions run as
-- the owner, take nothing but text and a bound, and answer ids of the transaction's own organization alone. Where nothing is found as it
-- was written, what differs by a letter is.
create function search_leads(query text, most bigint default null) returns setof uuid
  language plpgsql stable security definer rows 200 set search_path = pg_catalog, public, pg_temp as $$
declare
  org   uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  asked tsquery;
begin
  for step in 1..2 loop
    asked := search_query(org, query, step = 2);
    continue when org is null or asked is null;
    return query
      select l.id from leads l
       where search_vector(l.org_id, l.name || ' ' || coalesce(l.company_name, ''),
                           coalesce(l.email, '') || ' ' || coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, ''),
                           coalesce(l.phone, '')) @@ asked
         and l.org_id = org and l.deleted_at is null
      union
      select a.lead_id from activities a
       where search_vector(a.org_id, '', coalesce(a.payload ->> 'notes', a.payload ->> 'message'), '') @@ asked
         and a.org_id = org and a.lead_id is not null and coalesce(a.payload ->> 'notes', a.payload ->> 'message') is not null
       limit most;
    exit when found;
  end loop;
end $$;

create function search_contacts(query text, most bigint default null) returns setof uuid
  language plpgsql stable security definer rows 200 set search_path = pg_catalog, public, pg_temp as $$
declare
  org   uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  asked tsquery;
begin
  for step in 1..2 loop
    asked := search_query(org, query, step = 2);
    continue when org is null or asked is null;
    return query
      select c.id from contacts c
       where search_vector(c.org_id, c.name, coalesce(c.email, ''), coalesce(c.phone, '')) @@ asked and c.org_id = org limit most;
    exit when found;
  end loop;
end $$;

create function search_companies(query text, most bigint default null) returns setof uuid
  language plpgsql stable security definer rows 200 set search_path = pg_catalog, public, pg_temp as $$
declare
  org   uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  asked tsquery;
begin
  for step in 1..2 loop
    asked := search_query(org, query, step = 2);
    continue when org is null or asked is null;
    return query
      select c.id from companies c
       where search_vector(c.org_id, c.name, coalesce(c.website, ''), '') @@ asked and c.org_id = org limit most;
    exit when found;
  end loop;
end $$;

revoke all on function search_leads(text, bigint), search_contacts(text, bigint), search_companies(text, bigint) from public;
grant execute on function search_leads(text, bigint), search_contacts(text, bigint), search_companies(text, bigint) to baton_app;

-- ── Orders of the list: names without case and accents ──

alter table leads drop column search_text;
alter table leads add column name_key text collate "C" generated always as (left(search_fold(name), 200)) stored;
alter table leads add column company_key text collate "C" generated always as (left(search_fold(company_name), 200)) stored;
create index leads_by_name on leads (org_id, name_key, id) where deleted_at is null;
-- A column of its own, for row-level security keeps an index on an expression from being read from a place on.
alter table leads add column value_key bigint generated always as (coalesce(value_cents, -1)) stored;
create index leads_by_value on leads (org_id, value_key, id) where deleted_at is null;

-- ── Custom fields that are asked often: their values are copied into plain columns, which an index may answer under row-level security ──

alter table field_definitions
  add column slot text check (slot in ('hot_text_1', 'hot_text_2', 'hot_integer_1', 'hot_integer_2', 'hot_decimal_1', 'hot_date_1', 'hot_date_2')),
  add column slot_filled boolean not null default false,
  add unique (slot, org_id);

alter table leads
  add column hot_text_1 text,
  add column hot_text_2 text,
  add column hot_integer_1 bigint,
  add column hot_integer_2 bigint,
  add column hot_decimal_1 double precision,
  add column hot_date_1 date,
  add column hot_date_2 date;

do $$
declare c text;
begin
  foreach c in array array['hot_text_1', 'hot_text_2', 'hot_integer_1', 'hot_integer_2', 'hot_decimal_1', 'hot_date_1', 'hot_date_2']
  loop
    execute format('create index %I on leads (org_id, %I, id) where %I is not null and deleted_at is null', 'leads_by_' || c, c, c);
  end loop;
end $$;
