"""What the hub does about webhooks that never came: it asks, and tells itself what it did not know.

Everything it finds out is a delivery like any other. What it only concludes (that somebody is gone who is not listed)
is marked as observed: it counts until the provider says something itself.
"""
