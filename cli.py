"""emlit's command line: `python cli.py fit|validate|test|predict --config configs/tiny/em_ft.yaml`."""

from emlit.cli import main

if __name__ == "__main__":
    main()
