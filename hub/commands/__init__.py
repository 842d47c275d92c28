"""What the commands do; `hub/cli.py` says how they are called."""
