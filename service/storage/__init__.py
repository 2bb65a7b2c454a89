"""The store: SQL and files, behind the protocols of `access` and `jobs`."""
