-- Imports that are kept, previewed, resumed and undone.
select 1;
