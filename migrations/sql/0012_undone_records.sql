-- What imports made, and how it is taken back; search.
select 1;
