"""Automations and sequences, and the forms that they are written in."""
