"""The set-up of an organization, and one's own."""
