"""Scores from 0 to 100 by rules in rows; every calculation is kept and explains itself. Spec B6, C7."""
