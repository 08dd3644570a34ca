-- E-mail and WhatsApp: accounts, templates, what goes out and comes in, suppression.
select 1;
