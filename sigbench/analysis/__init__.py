"""Analysis of denoisers by their Jacobian at an item."""
