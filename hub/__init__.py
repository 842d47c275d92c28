"""The hub itself: vocabulary, state, log, feed and fan-out; no HTTP server and no driver in here."""
