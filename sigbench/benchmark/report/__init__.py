"""Reports: from the cells of a run to tables for people and programs."""
