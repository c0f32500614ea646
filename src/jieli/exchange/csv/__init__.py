"""CSV files in: hubs, timetables, roads, vehicles, and who has which thing."""
