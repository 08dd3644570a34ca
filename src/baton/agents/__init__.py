"""Agents: members that act by themselves, under their own name, by rules that people can read and change. Spec A6, A12."""
