"""Notices: what a member is told of what happens, in the product and by e-mail. Spec A6."""
