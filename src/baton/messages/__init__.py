"""What is written to people and by them: e-mail, WhatsApp, notices to members."""
