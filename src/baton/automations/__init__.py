"""What follows by rules that an organization made: webhooks tell other systems."""
