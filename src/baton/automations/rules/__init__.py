"""Automations: what happens to which leads is answered by steps that nobody has to remember."""
