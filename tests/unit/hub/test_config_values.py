"""What a written value becomes once its variables are in and its key has said what it wants."""

import pytest

from hub.config_values import Place, Text, origin, read, substitute
from hub.errors import ConfigRefused

PLACE = Place(file="hub.toml", key="auth.token_secrets", rule="auth.token_secrets")
KEYS = Place(file="hub.toml", key="sources.rooms.keys", rule="sources.keys")
HEADERS = Place(file="hub.toml", key="sources.rooms.headers", rule="sources.headers")
PORT = Place(file="hub.toml", key="server.port", rule="server.port")
Strings = tuple[str, ...]
Tables = dict[str, tuple[str, ...]]


@pytest.mark.parametrize(
    ("written", "environ", "expected"),
    [
        ("plain", {}, "plain"),
        ("", {}, ""),
        ("${A}", {"A": "x"}, "x"),
        ("${A}", {"A": ""}, ""),
        ("${A:-y}", {"A": "x"}, "x"),
        ("${A:-y}", {"A": ""}, "y"),
        ("${A:-y}", {}, "y"),
        ("${A:-}", {}, ""),
        ("${A:-${B}}", {"B": "b"}, "b"),
        ("${A:-${B}}", {"A": "a"}, "a"),
        ("${A:-${B:-c}}", {}, "c"),
        ("http://${A}:${B:-80}/", {"A": "host"}, "http://host:80/"),
        ("$${A}", {"A": "x"}, "${A}"),
        ("$${A} ${A}", {"A": "x"}, "${A} x"),
        ("$5 and $", {}, "$5 and $"),
        ("${A}", {"A": "${B}", "B": "x"}, "${B}"),
    ],
)
def test_references_are_replaced_once(written: str, environ: dict[str, str], expected: str) -> None:
    """What a variable holds is never searched for references: a secret may contain anything."""
    substituted = substitute(written, PLACE, environ)
    assert isinstance(substituted, Text)
    assert substituted.value == expected


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("${A}", "hub.toml: auth.token_secrets: expected the environment variable A to be set"),
        ("${B:-${A}}", "hub.toml: auth.token_secrets: expected the environment variable A to be set"),
        ("x${A", r"hub.toml: auth.token_secrets: expected \$\{NAME\} or"),
        ("${}", r"expected \$\{NAME\} or"),
        ("${A-B}", r"expected \$\{NAME\} or"),
        ("${1}", r"expected \$\{NAME\} or"),
    ],
)
def test_a_reference_that_cannot_be_resolved_is_refused(written: str, message: str) -> None:
    """Left as it stands it would become a secret that everybody can read here."""
    with pytest.raises(ConfigRefused, match=message):
        substitute(written, PLACE, {})


def test_a_variable_that_is_no_text_is_refused_by_its_name() -> None:
    """The file is right then, and the variable is what has to change."""
    with pytest.raises(ConfigRefused, match=r"A: auth.token_secrets: expected UTF-8 text, got other bytes"):
        substitute("${A}", PLACE, {"A": "\udcff"})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("one", ("one",)),
        ("o,ne", ("o,ne",)),
        (["one", "t,wo"], ("one", "t,wo")),
        (["one", ""], ("one",)),
        ([], ()),
        ("", ()),
        ("${SEVERAL}", ("a", "b")),
        (["${SEVERAL}", "c"], ("a", "b", "c")),
        (["${NONE:-}", "${NONE:-d,e}"], ("d", "e")),
        ("x${SEVERAL}", ("xa, b,",)),
        ("${JSON}", ("a,b", "c")),
    ],
)
def test_commas_separate_only_what_a_variable_holds(written: object, expected: Strings) -> None:
    """A variable has no other way to hold a list; a file has, and its secrets may contain commas."""
    environ = {"SEVERAL": "a, b,", "JSON": '["a,b", "c"]'}
    assert read(substitute(written, PLACE, environ), Strings, PLACE) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"k": "s"}, {"k": ("s",)}),
        ({"k": ["s", "t"]}, {"k": ("s", "t")}),
        ({"${KEY}": "${SECRETS}"}, {"K": ("s", "t")}),
        ({"${KEY}": "${SECRETS}", "K": "u"}, {"K": ("s", "t", "u")}),
        ({"${NONE:-}": "${NONE:-}", "k": "s"}, {"k": ("s",)}),
        ({}, {}),
        ("${JSON}", {"a": ("x",), "b": ("y,z", "w")}),
    ],
)
def test_a_table_of_secrets_takes_one_or_several_of_each(written: object, expected: Tables) -> None:
    """Every secret can be rotated; a pair that is not set at all is not there."""
    environ = {"KEY": "K", "SECRETS": "s,t", "JSON": '{"a": "x", "b": ["y,z", "w"]}'}
    assert read(substitute(written, KEYS, environ), Tables, KEYS) == expected


@pytest.mark.parametrize(
    ("written", "environ", "message"),
    [
        (
            {"${KEY:-}": "${SECRET:-}"},
            {"KEY": "k"},
            r"KEY: sources.rooms.keys: expected a key \(KEY\) and its secret \(SECRET\), got only the first",
        ),
        (
            {"${KEY:-}": "${SECRET:-}"},
            {"SECRET": "s"},
            r"SECRET: sources.rooms.keys: expected a key \(KEY\) and its secret \(SECRET\), got only the second",
        ),
        ({"k": ""}, {}, "hub.toml: sources.rooms.keys: expected a key and its secret, got only the first"),
        ({"": ["s"]}, {}, "hub.toml: sources.rooms.keys: expected a key and its secret, got only the second"),
        ({"k": []}, {}, "expected a key and its secret, got only the first"),
    ],
)
def test_half_a_pair_is_refused_naming_both_halves(written: object, environ: dict[str, str], message: str) -> None:
    """Whoever set one variable forgot the other; taking the source for unconfigured would hide that."""
    with pytest.raises(ConfigRefused, match=message):
        read(substitute(written, KEYS, environ), Tables, KEYS)


def test_a_header_without_a_value_is_not_configured() -> None:
    """The name of a header is no credential: it stands in the file while the variable of its value is not set."""
    assert read(substitute({"X-Key": "${NONE:-}"}, HEADERS, {}), Tables, HEADERS) == {}


def test_a_value_without_a_header_is_refused() -> None:
    """A secret that no header carries proves nothing."""
    with pytest.raises(ConfigRefused, match="got only the second of the two"):
        read(substitute({"": "s"}, HEADERS, {}), Tables, HEADERS)


def test_a_number_may_come_from_a_reference_but_not_from_text() -> None:
    """Variables are always text; in a file, quotes around a number are a mistake."""
    assert read(substitute("${PORT:-80}", PORT, {}), int, PORT) == 80
    with pytest.raises(ConfigRefused, match=r"hub.toml: server.port: expected a port from 0 to 65535, got '80'"):
        read(substitute("80", PORT, {}), int, PORT)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("x", "hub.toml"),
        ("${NONE:-x}", "hub.toml"),
        ("${A}${B}${A}", "A, B"),
        (["x", {"${A}": ["${B}"]}], "A, B"),
        (8080, "hub.toml"),
    ],
)
def test_a_value_comes_from_the_variables_that_were_set_or_from_the_file(written: object, expected: str) -> None:
    """A refusal has to name what its reader can change."""
    assert origin(substitute(written, PLACE, {"A": "a", "B": "b"}), PLACE) == expected
