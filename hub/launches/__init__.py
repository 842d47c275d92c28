"""Bots that the hub sends to meetings: what is asked for is kept first, and what becomes of it is found out."""
