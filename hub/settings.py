"""The settings of a hub, frozen, as everything but `hub/config.py` sees them."""

import msgspec


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration; unknown keys are refused."""


class Server(_Section, frozen=True, kw_only=True):
    """Where the hub listens, and what it takes in."""

    host: str = "127.0.0.1"
    port: int = 8080
    # How browsers and providers reach the hub; empty: http://host:port.
    public_url: str = ""
    workers: int = 1
    # Bytes of one request body.
    max_body: int = 16 * 1024 * 1024
    # Networks whose X-Forwarded-For is believed, in CIDR notation.
    trusted_proxies: tuple[str, ...] = ()

    def local_url(self, port: int | None = None) -> str:
        """Return where it is reached from this machine; by `port` if that was left to the system."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return web_address(host, port or self.port)

    @property
    def told_url(self) -> str:
        """Where providers are told to post: as configured, whatever a request says that it came to."""
        return self.public_url.rstrip("/") or self.local_url()


def web_address(host: str, port: int) -> str:
    """Return the address of a server, which has brackets if it is one of IPv6."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Storage(_Section, frozen=True, kw_only=True):
    """Where the log and the state are kept, and for how long."""

    url: str = "sqlite:///var/hub.db"
    retention_days: int = 35
    # Whether starting brings PostgreSQL's schema up to date; else `hub migrate` does.
    migrate: bool = True

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file, which serves one process; else it is a server."""
        return self.url.startswith("sqlite:")


class Bus(_Section, frozen=True, kw_only=True):
    """How processes tell each other of new events."""

    url: str = "local://"

    @property
    def is_local(self) -> bool:
        """Whether it reaches nobody but this process."""
        return self.url == "local://"


class Stream(_Section, frozen=True, kw_only=True):
    """How viewers are served. Times in seconds."""

    heartbeat: float = 30.0
    # What ended within this many seconds is still in a snapshot.
    recent: int = 3600
    # Documents in one page of a snapshot.
    page_size: int = 200
    # Events that the feed keeps in memory for viewers that reconnect.
    tail: int = 10_000
    # A viewer that is more events than this behind gets a fresh snapshot instead.
    max_lag: int = 20_000
    # Seconds that a viewer may take nothing off its connection before it is cut off.
    stall: float = 25.0
    # Viewers in all; more are told to come back later.
    max_viewers: int = 20_000
    # The same from one address that is not loopback; 0: no limit.
    max_viewers_per_address: int = 1000
    # Seconds after which a connection ends by itself, up to a fifth earlier: viewers spread over new processes.
    max_age: float = 3600.0
    # Seconds over which viewers are told to leave when the hub stops; one of a cluster stays as long in any case.
    drain: float = 3.0


class Auth(_Section, frozen=True, kw_only=True):
    """Who may read, launch and administer."""

    # Each `<key>` or `<key>:<scope>[+<scope>…]` with scopes read, launch, admin; without scopes it has all three.
    api_keys: tuple[str, ...] = ()
    # The first signs, all verify.
    token_secrets: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()


class Rooms(_Section, frozen=True, kw_only=True):
    """How rooms are counted and judged."""

    speaker_roles: tuple[str, ...] = ("speaker", "host", "broadcaster")
    price_per_participant_minute: float = 0.004
    # Hours after its last sign of life at which a room that never ended is taken for over.
    presume_ended_after: float = 12.0


class Source(_Section, frozen=True, kw_only=True):
    """One place where a provider posts webhooks, with what proves that it is the provider."""

    provider: str
    name: str
    path: str
    account: str = ""
    # What its durable rooms are called after: `<home>@<room id>`. Empty: the name of the first source of the account.
    home: str = ""
    # signature, or, explicitly weaker: ip (with allow_ips) or none.
    proof: str = "signature"
    allow_ips: tuple[str, ...] = ()
    # Verified deliveries a minute, 0 for no limit.
    rate_limit: int = 0
    # Seconds within which equal bytes that hold no time are one delivery; 0: the provider's default.
    dedupe_window: int = 0
    # LiveKit: API key to its secrets.
    keys: dict[str, tuple[str, ...]] = {}
    # MeetingBaaS: account API keys (v1), Svix secrets (v2 webhook), callback secrets (v2 callback).
    api_keys: tuple[str, ...] = ()
    webhook_secrets: tuple[str, ...] = ()
    callback_secrets: tuple[str, ...] = ()
    # 100ms: secret header names to their values.
    headers: dict[str, tuple[str, ...]] = {}
    # 100ms, Pulse: secrets of HMAC signatures.
    signing_secrets: tuple[str, ...] = ()

    @property
    def called_after(self) -> str:
        """What its durable rooms are called after."""
        return self.home or self.name

    @property
    def scope(self) -> str:
        """Deliveries of one provider account are deduplicated together, whichever path they took."""
        return f"{self.provider}/{self.account}"

    def durable_room(self, room: str) -> str:
        """Return the id of the durable room that this account calls `room` (already escaped); empty for none."""
        return f"{self.called_after}@{room}" if room else ""


class MeetingBaas(_Section, frozen=True, kw_only=True):
    """The MeetingBaaS account that bots are launched with."""

    api_version: str = "v2"
    api_key: str = ""
    base_url: str = "https://api.meetingbaas.com"
    # At most, of each process of the hub, for whatever it asks.
    requests_per_second: int = 5


class LiveKit(_Section, frozen=True, kw_only=True):
    """The LiveKit server that is asked when webhooks may have been lost."""

    url: str = ""


class Hms(_Section, frozen=True, kw_only=True):
    """The 100ms account that is asked when webhooks may have been lost."""

    access_key: str = ""
    app_secret: str = ""
    base_url: str = "https://api.100ms.live"


class Reconcile(_Section, frozen=True, kw_only=True):
    """How often providers are asked what goes on."""

    # Seconds between two rounds, more or less.
    period: float = 300.0


class Spool(_Section, frozen=True, kw_only=True):
    """A local folder that takes deliveries while storage is down; empty: none."""

    dir: str = ""


class Log(_Section, frozen=True, kw_only=True):
    """What is logged and how: `text` for people, `json` for machines."""

    level: str = "info"
    format: str = "text"


class Settings(_Section, frozen=True, kw_only=True):
    """All of it."""

    server: Server = Server()
    storage: Storage = Storage()
    bus: Bus = Bus()
    stream: Stream = Stream()
    auth: Auth = Auth()
    rooms: Rooms = Rooms()
    sources: tuple[Source, ...] = ()
    meetingbaas: MeetingBaas = MeetingBaas()
    livekit: LiveKit = LiveKit()
    hms: Hms = Hms()
    reconcile: Reconcile = Reconcile()
    spool: Spool = Spool()
    log: Log = Log()
    # Sources that are off, since nothing can prove their webhooks; nobody sets this.
    off: tuple[Source, ...] = ()
    # Settings whose secrets the hub made up, now or at an earlier start: `sources.livekit.keys`; nobody sets this.
    made: tuple[str, ...] = ()

    def heard_by(self, provider: str) -> Source | None:
        """Return the first source by which a provider is heard, None when there is none."""
        return next((source for source in self.sources if source.provider == provider), None)

    def is_made_up(self, source: Source, field: str) -> bool:
        """Whether the hub made up the secrets of a source: no provider knows them, and none is shown them."""
        return f"sources.{source.name}.{field}" in self.made
