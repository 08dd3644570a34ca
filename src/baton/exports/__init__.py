"""Leads as files: chosen, ordered, streamed in bounded memory, and told to the log."""
