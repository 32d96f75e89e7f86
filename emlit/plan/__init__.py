"""Memory, time and a dry run of a config before hardware is rented: `python -m emlit.plan --config FILE`."""
