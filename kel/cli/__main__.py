"""`python -m kel.cli`, as the demo starts its processes."""

from kel.cli import main

main()
