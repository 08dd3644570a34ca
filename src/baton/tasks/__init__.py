"""Tasks: what somebody promised to do about a lead, contact or company, and when. Spec C5."""
