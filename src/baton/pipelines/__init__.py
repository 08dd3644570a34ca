"""Pipelines and their stages. Spec A2, A3, A4, B2, C1."""
