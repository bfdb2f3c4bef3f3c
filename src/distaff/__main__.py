"""`python -m distaff` is `distaff`."""

from distaff.cli import main

raise SystemExit(main())
