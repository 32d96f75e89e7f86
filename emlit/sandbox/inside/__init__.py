"""What runs inside a sandbox, on the standard library alone; each program is started by its path."""
