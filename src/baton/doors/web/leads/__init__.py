"""Leads: the board, the list, the lead's page, and everything done from there."""
