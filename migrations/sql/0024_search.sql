-- A search that looks at so many finds asks for whole words first: the index has the finds of a word at hand, and gathers those of a
-- beginning (of "ro", 166,000 of a million leads) before it answers the first. Fifty finds, the most that a search answers, are enough.

-- What is searched for at a step: 1 all words whole, 2 the last one (it may be half typed) a beginning, 3 all of them beginnings,
-- 4 those with one letter wrong too; 0 is all words but the last one, whole: where they find nothing step 2 need not be asked.
-- Nothing (null) where a step asks what the next one asks. A phone number is one word.
create function search_asked(org uuid, query text, step integer) returns tsquery language sql immutable parallel safe
  return (select string_agg('(''' || right(org::text, 8) || '=' || w || '''' || case when step > 2 or (step = 2 and latest) then ':*' else '' end
                            || coalesce((select string_agg(' | ''' || right(org::text, 8) || '~' || s || '''', '')
                                           from unnest(search_spellings(array[w])) s where step = 4), '') || ')', ' & ')::tsquery
            from (select w, n = max(n) over () as latest, count(*) over () as words
                    from (select left(x.w, 60) as w, max(x.n) as n
                            from unnest(case when query ~ '^[-0-9 +()./]+$' and length(regexp_replace(query, '[^0-9]', '', 'g')) >= 4
                                             then array[ltrim(regexp_replace(replace(query, '(0)', ''), '[^0-9]', '', 'g'), '0')]
                                             else regexp_split_to_array(search_fold(left(query, 200)) collate pg_unicode_fast,
                                                                        '[^[:alnum:]]+') end) with ordinality x (w, n)
                           where x.w <> '' group by 1 order by 2 limit 8) distinct_words) tests
           where (step not in (0, 2) or words > 1) and not (step = 0 and latest));

-- The first step: who looks at all finds, or at very many, begins with beginnings.
create function search_first(most bigint) returns integer language sql immutable parallel safe
  return case when most <= 1000 then 1 else 3 end;

create or replace function search_contacts(query text, most bigint default null) returns setof uuid
  language plpgsql stable security definer rows 200
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_indexscan = off as $$
declare
  org   uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  asked tsquery;
  finds bigint;
begin
  for step in search_first(most)..4 loop
    asked := search_asked(org, query, step);
    continue when org is null or asked is null;
    if step = 2 and finds = 0 then
      perform 1 from contacts c where search_vector(c.org_id, c.name, coalesce(c.email, ''), coalesce(c.phone, '')) @@ search_asked(org, query, 0) and c.deleted_at is null limit 1;
      continue when not found;
    end if;
    return query
      with named as materialized (
        select c.org_id, c.id from contacts c
         where search_vector(c.org_id, c.name, coalesce(c.email, ''), coalesce(c.phone, '')) @@ asked and c.deleted_at is null limit most)
      select n.id from named n where n.org_id = org;
    get diagnostics finds = row_count;
    exit when finds >= least(most, 50) or (step = 3 and finds > 0);
  end loop;
end $$;

create or replace function search_companies(query text, most bigint default null) returns setof uuid
  language plpgsql stable security definer rows 200
  set search_path = pg_catalog, public, pg_temp set enable_seqscan = off set enable_indexscan = off as $$
declare
  org   uuid := nullif(current_setting('app.org_id', true), '')::uuid;
  asked tsquery;
  finds bigint;
begin
  for step in search_first(most)..4 loop
    asked := search_asked(org, query, step);
    continue when org is null or asked is null;
    if step = 2 and finds = 0 then
      perform 1 from companies c where search_vector(c.org_id, c.name, coalesce(c.website, ''), '') @@ search_asked(org, query, 0) and c.deleted_at is null limit 1;
      continue when not found;
    end if;
    return query
      with named as materialized (
        select c.org_id, c.id from companies c
         where search_vector(c.org_id, c.name, coalesce(c.website, ''), '') @@ asked and c.deleted_at is null limit most)
      select n.id from named n where n.org_id = org;
    get diagnostics finds = row_count;
    exit when finds >= least(most, 50) or (step = 3 and finds > 0);
  end loop;
end $$;
