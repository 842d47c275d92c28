"""The measurements behind every claim about speed; `make bench` runs them all."""
