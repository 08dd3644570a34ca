"""WhatsApp: numbers at Meta or Twilio, messages out and in."""
