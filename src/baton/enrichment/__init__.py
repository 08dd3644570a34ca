"""Enrichment: providers that the organization configured look leads up, and find new ones."""
