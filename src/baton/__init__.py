"""Baton: the CRM in which people and agents pass the baton."""

__version__ = "0.1.0"
