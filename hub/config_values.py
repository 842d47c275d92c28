"""A value of the configuration as it was written: variables put in, then read as the type that its key wants."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from hub.config_rules import FIRST_OF_SEVERAL, NAMES_WITHOUT_CREDENTIAL, expectation, offences, refusal, shown
from hub.errors import ConfigRefused

_Strings = tuple[str, ...]
_Tables = dict[str, _Strings]
IN_WORDS: Mapping[object, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    _Strings: "text or a list of texts",
    _Tables: "a table whose values are text or lists of texts",
}
# An escape, a reference (whose default may hold references, but not their defaults), a broken one, or plain text.
_PIECES = re.compile(
    r"\$\$\{"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>(?:\$\{[^{}]*\}|[^{}])*))?\}"
    r"|\$\{"
    r"|[^$]+|\$"
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value stands: `sources.keys` is the rule of the key `sources.livekit.keys`."""

    file: str
    key: str
    rule: str


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A string after substitution, with the variables that it names and those of them that were set."""

    value: str
    named: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    # It is one reference and nothing else: it is read as what the key wants, and commas separate items of a list.
    whole: bool = False


def from_variable(name: str, value: str, place: Place) -> Text:
    """Take the value of an environment variable; raises ConfigRefused when its bytes are no text."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise refusal(name, place.key, "UTF-8 text", "other bytes")
    return Text(value=value, named=(name,), used=(name,), whole=True)


def substitute(written: object, place: Place, environ: Mapping[str, str]) -> object:
    """Turn every string, names in tables included, into a `Text` with its variables put in.

    Raises ConfigRefused for a variable that is not set and has no default.
    """
    if isinstance(written, str):
        return _substituted(written, place, environ)
    if isinstance(written, list):
        return [substitute(item, place, environ) for item in written]
    if isinstance(written, dict):
        pairs = written.items()
        return {_substituted(name, place, environ): substitute(value, place, environ) for name, value in pairs}
    return written


def read(written: object, wanted: object, place: Place) -> object:
    """Read a substituted value as `wanted`, the type of its key, and check it against the key's rule.

    Raises ConfigRefused, naming the variables that the value came from, or else the file.
    """
    if wanted == _Strings:
        value: object = _strings(written, place)
    elif wanted == _Tables:
        value = _tables(written, place)
    else:
        value = _scalar(written, wanted, place)
    for offence in offences(place.rule, value):
        raise _refused(written, expectation(place.rule, "something else"), place, shown(place.rule, offence))
    return value


def origin(written: object, place: Place) -> str:
    """Name the variables that a value came from, or the file."""
    return ", ".join(_variables(text.used for text in _texts(written))) or place.file


def variables_in(written: object) -> tuple[str, ...]:
    """Name the variables that a substituted value may come from, set or not."""
    return _variables(text.named for text in _texts(written))


def _substituted(text: str, place: Place, environ: Mapping[str, str]) -> Text:
    pieces = [_piece(match, place, environ) for match in _PIECES.finditer(text)]
    return Text(
        value="".join(piece.value for piece in pieces),
        named=_variables(piece.named for piece in pieces),
        used=_variables(piece.used for piece in pieces),
        whole=len(pieces) == 1 and pieces[0].whole,
    )


def _piece(match: re.Match[str], place: Place, environ: Mapping[str, str]) -> Text:
    name, default = match["name"], match["default"]
    if match[0] == "${":
        raise refusal(place.file, place.key, "${NAME} or ${NAME:-default}, with $${ for a plain ${", "an open ${")
    if name is None:
        return Text(value=match[0].replace("$${", "${"))
    if default is None and name not in environ:
        raise refusal(place.file, place.key, f"the environment variable {name} to be set", "no such variable")
    # As in a shell, an empty variable takes the default too: that is how compose files pass what is not set.
    if default is None or environ.get(name):
        return from_variable(name, environ[name], place)
    fallback = _substituted(default, place, environ)
    return Text(value=fallback.value, named=(name, *fallback.named), used=fallback.used, whole=True)


def _scalar(written: object, wanted: object, place: Place) -> object:
    plain = _unwrapped(written)
    is_reference = isinstance(written, Text) and written.whole
    if isinstance(plain, str) and is_reference and place.rule in FIRST_OF_SEVERAL:
        plain = plain.split(",")[0].strip()
    try:
        return msgspec.convert(plain, wanted, strict=not is_reference)
    except msgspec.ValidationError:
        expected = expectation(place.rule, IN_WORDS.get(wanted, "another type"))
        raise _refused(written, expected, place, shown(place.rule, plain)) from None


def _strings(written: object, place: Place) -> _Strings:
    strings = _items(written)
    if strings is None:
        raise _mistyped(written, _Strings, place)
    return strings


def _tables(written: object, place: Place) -> _Tables:
    rows = _opened(written, "{")
    if not isinstance(rows, dict):
        raise _mistyped(written, _Tables, place)
    table: _Tables = {}
    for name, values in rows.items():
        key, secrets = name.value.strip(), _items(values)
        if secrets is None:
            raise _mistyped(written, _Tables, place)
        if bool(key) != bool(secrets) and not (key and place.rule in NAMES_WITHOUT_CREDENTIAL):
            raise _half(name, values, place, "the first" if key else "the second")
        if key and secrets:
            table[key] = table.get(key, ()) + secrets
    return table


def _items(written: object) -> _Strings | None:
    """Take one text or a list of them, without the empty ones: those are variables that nobody set."""
    items = _opened(written, "[")
    if isinstance(items, Text):
        items = [items]
    if not isinstance(items, list) or not all(isinstance(item, Text) for item in items):
        return None
    return tuple(part for item in items for part in _split(item) if part)


def _half(name: Text, values: object, place: Place, present: str) -> ConfigRefused:
    both = f"a key{_by(name)} and its secret{_by(values)}"
    return _refused([name, values], both, place, f"only {present} of the two")


def _by(written: object) -> str:
    names = ", ".join(_variables(text.named for text in _texts(written)))
    return f" ({names})" if names else ""


def _split(text: Text) -> list[str]:
    return [part.strip() for part in text.value.split(",")] if text.whole else [text.value]


def _opened(written: object, bracket: str) -> object:
    """Decode the JSON in a variable, if that is what it holds; a secret may well begin with a bracket and be none."""
    if not isinstance(written, Text) or not written.whole or not written.value.lstrip().startswith(bracket):
        return written
    try:
        decoded: object = msgspec.json.decode(written.value)
    except msgspec.DecodeError:
        return written
    return _literal(decoded, written)


def _literal(decoded: object, source: Text) -> object:
    if isinstance(decoded, str):
        return Text(value=decoded, named=source.named, used=source.used)
    if isinstance(decoded, list):
        return [_literal(item, source) for item in decoded]
    if isinstance(decoded, dict):
        return {_literal(name, source): _literal(value, source) for name, value in decoded.items()}
    return decoded


def _mistyped(written: object, wanted: object, place: Place) -> ConfigRefused:
    return _refused(written, IN_WORDS[wanted], place, shown(place.rule, _unwrapped(written)))


def _unwrapped(written: object) -> object:
    return written.value if isinstance(written, Text) else written


def _refused(written: object, expected: str, place: Place, got: str) -> ConfigRefused:
    return refusal(origin(written, place), place.key, expected, got)


def _texts(written: object) -> Iterator[Text]:
    if isinstance(written, Text):
        yield written
    elif isinstance(written, list):
        for item in written:
            yield from _texts(item)
    elif isinstance(written, dict):
        yield from _texts([*written.keys(), *written.values()])


def _variables(several: Iterator[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in several for name in names))
