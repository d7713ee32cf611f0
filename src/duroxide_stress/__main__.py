"""`python -m duroxide_stress`: the same command as `duroxide-stress`."""

from duroxide_stress.cli import main

main()
