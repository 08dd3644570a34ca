-- Indexes and functions for what is read and written most.
select 1;
