"""Webhooks: other systems are told what happened, as the Standard Webhooks say."""
