"""Reports: the leaderboard of a run as a table, Markdown, CSV and figures."""
