"""How the outside talks to the hub: webhooks in, streams and documents out."""
