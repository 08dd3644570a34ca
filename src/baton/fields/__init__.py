"""The fields of records: those that conditions may name, custom fields, tags. Spec A5, A10."""
