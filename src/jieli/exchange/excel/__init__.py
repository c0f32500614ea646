"""Excel workbooks in and out: organisations, people, rosters."""
