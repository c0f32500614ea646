"""The file store: what an upload becomes on disk, and the limits on the way there."""
