"""Commands that print the numbers in README and docs."""

from emlit.resilience.outputs import outlast_readers

outlast_readers()
