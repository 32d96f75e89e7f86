"""`python -m emlit fit --config emlit://tiny/em_ft`."""

from emlit.cli import main

main()
