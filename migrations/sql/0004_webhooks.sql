-- Webhooks and enrichment.
select 1;
