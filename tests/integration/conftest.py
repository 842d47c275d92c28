"""What integration tests share."""

import pytest

# The rules of a port are no test files by name; without this their assertions would not say what they compared.
pytest.register_assert_rewrite("tests.contracts")
