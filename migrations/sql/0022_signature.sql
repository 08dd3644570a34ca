-- What stands below mail that people write from a mailbox.
alter table mailboxes add column signature text check (char_length(signature) <= 2000);
