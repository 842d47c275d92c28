"""What the API takes and answers, described once, for `/openapi.json` and docs/api.md."""
