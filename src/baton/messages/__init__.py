"""What is written to people and by them: mailboxes and numbers, templates, e-mail, WhatsApp, notices to members."""
