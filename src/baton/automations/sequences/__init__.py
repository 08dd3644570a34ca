"""Sequences: messages and tasks in a row, with waits between them, until somebody answers."""
