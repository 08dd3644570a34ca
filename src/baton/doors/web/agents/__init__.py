"""Agents: who they are, what they may do, what they ask."""
