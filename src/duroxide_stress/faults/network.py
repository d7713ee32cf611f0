"""A bad network between the hosts and PostgreSQL: they connect through a proxy of ours.

The driver and the audit go around it, so that what a client is told is not the proxy's doing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from duroxide_stress.faults.base import Fault, Injection, Play, Stage
from duroxide_stress.faults.proxy import Proxy
from duroxide_stress.faults.settings import Setting, Spec
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.providers.postgres_url import Address
from duroxide_stress.units import format_size

SLOW = ("latency", "jitter", "bandwidth")
GONE = ("cut", "half-open", "refuse")


class Network:
    """The states that several faults want of one network at the same time. Delays add up, the narrowest
    bandwidth holds; whatever is cut, half open or refusing stays so as long as one of them wants it."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self._shapes: dict[int, tuple[float, float, float, int]] = {}
        self._gone: dict[int, str] = {}

    def slow(
        self, number: int, latency_ms: float, jitter_ms: float, rate: float, seed: int
    ) -> None:
        """One more fault wants this shape; `rate` in bytes per second, 0 for no limit."""
        self._shapes[number] = (latency_ms, jitter_ms, rate, seed)
        self._reshape()

    def end(self, number: int, kind: str) -> None:
        """One more fault wants this kind of end."""
        self._gone[number] = kind
        self._hold(kind)

    def heal(self, number: int) -> None:
        """A fault wants nothing any more."""
        if self._gone.pop(number, None) is not None:
            self.proxy.heal()
            for kind in set(self._gone.values()):
                self._hold(kind)
        self._shapes.pop(number, None)
        self._reshape()

    def _hold(self, kind: str) -> None:
        {"cut": self.proxy.cut, "half-open": self.proxy.half_open, "refuse": self.proxy.refuse}[
            kind
        ]()

    def _reshape(self) -> None:
        wanted = list(self._shapes.values())
        rates = [rate for *_, rate, _ in wanted if rate]
        self.proxy.shape(
            latency_ms=sum(latency for latency, *_ in wanted),
            jitter_ms=sum(jitter for _, jitter, *_ in wanted),
            bandwidth_bytes_per_sec=min(rates, default=0),
            seed=wanted[0][-1] if wanted else 0,
        )


WORDS = {
    "cut": "nothing passes between the hosts and the server",
    "half-open": "the hosts are heard by the server, and not answered",
    "refuse": "the hosts' connections are reset, and new ones refused",
}


def _network(stage: Stage, injection: Injection) -> Play[None]:
    assert stage.network is not None, "the proxy is there before the hosts are"
    spec, network = injection.spec, stage.network
    if "reset" in spec.values.values():
        number = network.proxy.connections
        stage.began(f"{number} connections between the hosts and the server are reset")
        network.proxy.reset()
        return
    kind = next((name for name in GONE if spec.secs(name) is not None), None)
    try:
        if kind is None:
            secs = _slow(stage, network, injection)
        else:
            secs = spec.secs(kind) or 0
            stage.began(f"{WORDS[kind]} for {secs:g} s")
            network.end(injection.number, kind)
        yield from stage.wait(secs)
    finally:
        network.heal(injection.number)


def _slow(stage: Stage, network: Network, injection: Injection) -> float:
    """Make it slow, and say for how many seconds."""
    spec = injection.spec
    left = stage.cell.config.duration_secs - injection.due_ms / 1000
    secs = min(spec.secs("for") or left, left)
    latency_ms, jitter_ms = ((spec.secs(name) or 0) * 1000 for name in ("latency", "jitter"))
    rate = spec.secs("bandwidth") or 0
    words = [f"latency {latency_ms:g} ms"] if latency_ms else []
    words += [f"jitter {jitter_ms:g} ms"] if jitter_ms else []
    words += [f"{format_size(rate)}/s each way"] if rate else []
    stage.began(f"between the hosts and the server: {', '.join(words)} for {secs:g} s")
    network.slow(injection.number, latency_ms, jitter_ms, rate, injection.draw)
    return secs


@contextmanager
def _proxied(stage: Stage, spec: Spec) -> Iterator[None]:
    """The hosts reach the server through a proxy, which all network faults of the cell share."""
    if stage.network is not None:
        yield
        return
    address = Address.read(stage.address)
    proxy = Proxy(upstream(address.uri))
    proxy.start()
    try:
        stage.network = Network(proxy)
        uri = through(address.uri, proxy.port)
        stage.host_address = msgspec.structs.replace(address, uri=uri).encode()
        yield
    finally:
        proxy.close()


def upstream(uri: str) -> tuple[str, int] | str:
    """Where a URI's server listens: host and port, or the path of its socket."""
    parts, given = urlsplit(uri), dict(parse_qsl(urlsplit(uri).query))
    host, port = given.get("host") or parts.hostname or "localhost", parts.port or 5432
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


def through(uri: str, port: int) -> str:
    """The same database, user and parameters by way of a port of this machine."""
    parts = urlsplit(uri)
    given = [(name, value) for name, value in parse_qsl(parts.query) if name != "host"]
    # The server's certificate does not name this machine; that it is the server's is verified still.
    loose = {("sslmode", "verify-full"): ("sslmode", "verify-ca")}
    given = [loose.get(one, one) for one in given]
    user = parts.netloc.rpartition("@")[0]
    query = urlencode(given, quote_via=quote)
    return parts._replace(netloc=f"{user}@127.0.0.1:{port}", query=query).geturl()


def _clash(spec: Spec, config: StressTestConfig) -> str:
    """One state of the network at a time; several faults make several."""
    kinds = [name for name in GONE if name in spec.values]
    kinds += ["reset"] if "reset" in spec.values.values() else []
    kinds += [" and ".join(slow)] if (slow := [n for n in SLOW if n in spec.values]) else []
    known = "latency, jitter, bandwidth; or one of cut, half-open, refuse, reset"
    if len(kinds) > 1:
        return f"{' and '.join(kinds)} exclude each other; give them as faults of their own"
    if not kinds:
        return f"it says nothing of the network: give {known}"
    if "for" in spec.values and kinds[0] in (*GONE, "reset"):
        return f"for goes with latency, jitter and bandwidth; {kinds[0]} says how long by itself"
    jitter, latency = spec.secs("jitter") or 0, spec.secs("latency") or 0
    return "jitter must not be greater than latency" if jitter > latency else ""


def _lasting(spec: Spec) -> bool:
    return any(name in spec.values for name in SLOW) and "for" not in spec.values


def _secs(name: str, meaning: str, high: float = 3_600) -> Setting:
    return Setting(name, "duration", meaning, None, 0.001, high)


NETWORK = Fault(
    "network",
    "between the hosts and PostgreSQL: slow, cut, half open, refusing, or all connections reset.",
    _network,
    (
        _secs("latency", "one way, in each direction", 60),
        _secs("jitter", "by how much it varies, up and down", 60),
        Setting("bandwidth", "size", "bytes per second each way", None, 1_000, 1e12),
        _secs("for", "how long it is slow; to the window's end unless it is said"),
        _secs("cut", "nothing passes for so long, nothing is lost"),
        _secs("half-open", "requests arrive for so long, answers do not come back"),
        _secs("refuse", "connections are reset, and new ones refused for so long"),
        Setting("how", "word", "all open connections are reset once", None, words=("reset",)),
    ),
    target="network",
    stores=("postgres",),
    before=_proxied,
    clash=_clash,
    at_once=_lasting,
)
