"""Leads: one file per verb. Whatever changes a lead's row is here. Spec A5."""
