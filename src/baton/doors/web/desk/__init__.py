"""A person's day: inbox, tasks, calendar, notices."""
