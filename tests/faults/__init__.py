"""Real processes that are killed, stopped, cut off and slowed under load, and an audit after it."""
