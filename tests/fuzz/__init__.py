"""Damaged and hostile files for every reader; ``make fuzz`` runs them."""
