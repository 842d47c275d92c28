"""The client's address is what the last trusted hop says, never what the client says."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handlers.addresses import client_address, is_within

HERE = "127.0.0.0/8"


async def seen_address(trusted: tuple[str, ...], *forwarded: str) -> str:
    """Return the address that a request from this machine with these X-Forwarded-For headers is taken to be from."""

    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=client_address(request, trusted))

    app = web.Application()
    app.router.add_get("/", tell)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/", headers=[("X-Forwarded-For", value) for value in forwarded])
        return await answer.text()


async def test_without_trusted_proxies_the_header_is_ignored() -> None:
    """Anybody can write a header; limits and allow_ips must not depend on it."""
    assert await seen_address((), "203.0.113.9") == "127.0.0.1"


async def test_a_proxy_that_is_not_trusted_is_the_client() -> None:
    """Trust in one network says nothing about another."""
    assert await seen_address(("10.0.0.0/8",), "203.0.113.9") == "127.0.0.1"


async def test_a_trusted_proxy_that_says_nothing_is_the_client() -> None:
    """Health checks of the proxy itself carry no header."""
    assert await seen_address((HERE,)) == "127.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (("203.0.113.9",), "203.0.113.9"),
        (("  203.0.113.9 ",), "203.0.113.9"),
        (("198.51.100.1, 203.0.113.9",), "203.0.113.9"),
        (("198.51.100.1,203.0.113.9,127.0.0.2",), "203.0.113.9"),
        (("198.51.100.1", "203.0.113.9"), "203.0.113.9"),
        (("198.51.100.1", "203.0.113.9, 127.0.0.7"), "203.0.113.9"),
        (("127.0.0.9, 127.0.0.8",), "127.0.0.9"),
        (("2001:db8::5",), "2001:db8::5"),
        (("203.0.113.9:4711",), "203.0.113.9"),
        (("198.51.100.1, [2001:db8::1]:555",), "2001:db8::1"),
        (("[2001:db8::1]",), "2001:db8::1"),
        (("203.0.113.9:1, 127.0.0.2:65535",), "203.0.113.9"),
    ],
)
async def test_the_client_is_the_first_hop_from_the_right_that_is_not_trusted(
    forwarded: tuple[str, ...], expected: str
) -> None:
    """What stands further left was written by somebody unknown, several headers being one list."""
    assert await seen_address((HERE,), *forwarded) == expected


@pytest.mark.parametrize(
    "garbage",
    [
        *("", ",", "unknown", "1.2.3.4.5", "<script>", "é", "0x7f.1", "1" * 4000),
        *("203.0.113.9:", "203.0.113.9:x", "203.0.113.9:١", "203.0.113.9:123456", ":80", "1.2.3:80"),
        *("[203.0.113.9]x", "[2001:db8::1", "[2001:db8::1]:", "[]:80", "[:]:80"),
    ],
)
async def test_what_is_no_address_ends_the_search_at_the_proxy_that_said_it(garbage: str) -> None:
    """Garbage must neither raise nor become a name that limits are counted by."""
    assert await seen_address((HERE,), f"198.51.100.1, {garbage}") == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "networks", "expected"),
    [
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("11.1.2.3", ("10.0.0.0/8",), False),
        ("11.1.2.3", ("10.0.0.0/8", "11.0.0.0/8"), True),
        ("10.1.2.3", ("10.1.2.3",), True),
        ("10.1.2.3", (), False),
        ("10.1.2.3", ("2001:db8::/32",), False),
        ("2001:db8::1", ("2001:db8::/32",), True),
        ("::ffff:10.1.2.3", ("10.0.0.0/8",), True),
        ("", ("0.0.0.0/0",), False),
        ("nobody", ("0.0.0.0/0",), False),
        ("10.1.2.3/8", ("0.0.0.0/0",), False),
    ],
)
def test_an_address_lies_in_a_network_of_its_own_family(
    address: str, networks: tuple[str, ...], expected: bool
) -> None:
    """A dual-stack socket shows IPv4 clients as IPv6, and a list written for IPv4 must still hold."""
    assert is_within(address, networks) is expected
