"""A module that cannot be imported."""

raise RuntimeError("deliberate at import")
