"""Resource names, from pools that train, dev and test do not share."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_SHARES = {"train": (0, 1, 2), "dev": (3,), "test": (4,)}


def share(pool: Sequence[T], split: str) -> list[T]:
    """The part of ``pool`` that belongs to ``split``: three fifths train, one fifth dev, one fifth test."""
    return [entry for index, entry in enumerate(pool) if index % 5 in _SHARES[split]]


_HOSTS = (
    "acme birch canyon delta ember falcon garnet harbor indigo juniper kestrel lagoon meadow nimbus orchid "
    "pioneer quartz ridge summit timber umber vertex willow zephyr alder beacon cobalt dune echo fjord "
    "glacier hazel iris jasper krill lumen mason north opal pebble quill raven slate tundra unity "
    "violet walnut xenon yarrow zinc anchor basil cedar dahlia elm fern grove heron island jade"
).split()
_HOST_SUFFIXES = "labs works hub data cloud systems ops tools store net desk core base line park".split()
_DOMAINS = "example.com example.org example.net test.dev corp.test site.test".split()
_PATHS = (
    "metrics stats orders load usage price rates stock quota health sensors battery traffic latency builds "
    "inventory players tickets uptime shipments forecast readings meters balance queues pumps tanks fleet jobs "
    "nodes disks sessions routes lights doors ovens trucks seats parcels bookings loans votes games songs "
    "pages alerts posts teams grades plants boats trains flights tides dams cranes silos vines herds kilns"
).split()
_NUMBERS = (
    "cpu count total load level score price amount balance usage depth speed weight height volume latency "
    "error_rate headcount footfall pending stock quota size rate power humidity pressure temperature distance duration "
    "battery signal backlog credit grade rank floor capacity demand delay premium seating yield fee "
    "stake altitude voltage dose margin turnover drift lag gain slope width density dust noise torque"
).split()
_TEXTS = (
    "name title city label owner region color summary author category version language country reason stage "
    "brand model plan team phase branch mood topic genre format source device carrier vendor species "
    "nickname street currency role origin finish material kind channel zone layout family theme driver "
    "station captain editor artist recipe dialect harbour squad crop engine client shelf pattern badge"
).split()
_FLAGS = (
    "active healthy enabled ready open locked online valid paid approved verified public visible fresh synced "
    "armed charged frozen listed muted booked shipped blocked signed sealed trusted loaded heated docked staffed"
).split()
_GROUPS = "data stats result info meta payload report details current summary_data latest main usage_data node".split()
_LISTS = "items offers records results elements values list_all rows_out nodes members posts files events units".split()
_TABLES = (
    "orders users tasks invoices products events visits members payments books parcels rooms devices cars tickets "
    "claims leads shifts trips meals drivers tools leases files_log crates grants bills courses exams stations "
    "repairs badges clinics doses wells tests refunds tours lamps tanks buses pallets forms sites audits "
    "sales quotes loans seeds samples herds kegs tracks signals permits vans masts scans pipes bids"
).split()
_STATES = (
    "open closed late paid failed active expired blocked shipped draft returned lost queued approved broken "
    "archived pending damaged booked cancelled idle overdue rejected stale flagged held missing sealed urgent worn"
).split()
_QUEUES = (
    "alerts jobs mail billing reports audit ops-events updates tasks-in exports pager warnings intake outbound "
    "retry-later archive notices reviews leads invoices cleanup printing shipping returns uploads sync imports "
    "escalations payments signups feedback renders labels digests orders-new stock-low night-shift front-desk "
    "sensors transcodes approvals refunds harvest dispatch voice scans restock welcome fraud kitchen lobby pumps dock"
).split()
_NAMESPACES = (
    "settings session rates flags weather counters profile limits prices tokens menu layout search home feeds "
    "geo stock users pages routes quotas themes stats names hints locks reads boards games maps"
).split()
_KEYS = (
    "last_total current mode theme region latest limit owner token cursor banner rate greeting visits high_score "
    "locale plan offset motto deadline shift quota winner path seed draft_id ceiling slogan window anchor "
    "leader volume palette season target_city batch speed_cap checkpoint host_name footer pin_code pace"
    " snapshot lead_time"
).split()
_STEMS = (
    "report summary notes status daily inbox readme totals config menu backup users export log agenda diary stock "
    "prices greeting results orders invoice budget roster digest brief letter index plan memo survey recipe "
    "draft schedule manifest script outline journal ledger minutes handover rota checklist briefing bulletin audit"
).split()
_FOLDERS = "out data reports archive notes drop logs shared docs work tmp_files exports inbox_dir team pages".split()
_SUFFIXES = (".txt", ".txt", ".md", ".log", ".csv")
_PEOPLE = (
    "ops alice team bruno support chen oncall dana sales emil admin fatima billing goran help hana desk ivan "
    "facility jo editor kofi nurse lena office marta crew nils press olga lab petra garage quinn kitchen rosa "
    "warehouse sven dispatch tara finance uwe legal vera field walt night yara studio zoe"
).split()
_WORDS = (
    "done ok stored accepted sent high low skipped updated ready quiet alarm saved fine busy normal rejected "
    "empty full refreshed warm cold invalid logged late unknown offline green red blue found absent safe "
    "notified steady closed cleared queued calm spiked filed kept denied healthy dropped blocked light heavy noted "
    "slow fast passed failed routed parked flagged settled wrapped missing"
).split()
_SUBJECTS = (
    "disk pump door server printer backup battery fan camera router boiler gate valve sensor freezer elevator "
    "truck lamp heater modem oven crane filter turbine mixer scale ramp scanner kiln drone buoy radio"
    " beacon feeder hoist"
).split()
_TROUBLES = (
    "is full|needs a check|went down|is over the limit|has stopped|looks wrong|is low|needs service|is overheating|"
    "is back|must be replaced|is leaking|is stuck|is too slow|is offline again|has no power|missed a beat"
    "|reports a fault|"
    "is jammed|needs a restart|is running dry|lost its link|is out of range|needs cleaning|is not responding"
).split("|")
_NEEDLES = (
    "error timeout refund urgent sale beta invoice storm cancel offline spam denied overdue festival recall delay "
    "coupon strike outage merger leak fire upgrade warning leaked flood breach holiday frost resign"
).split()
_VALUES = (
    "gold north silver premium south basic east trial west standard bronze express fragile bulk green local "
    "partner legacy export retail night vip manual remote solar diesel rural coastal alpine urban"
).split()


class Entities:
    """Draws names for one task; no name is given out twice in one task."""

    def __init__(self, rng: random.Random, split: str) -> None:
        self._rng = rng
        self._split = split
        self._used: set[str] = set()

    def _new(self, pool: Sequence[str]) -> str:
        options = [name for name in share(pool, self._split) if name not in self._used]
        name = self._rng.choice(options)
        self._used.add(name)
        return name

    def url(self) -> str:
        """An http(s) URL with a host and a path of one or two parts."""
        host = self._new(_HOSTS)
        if self._rng.random() < 0.5:
            host += self._rng.choice(("-", "")) + self._rng.choice(_HOST_SUFFIXES)
        path = self._new(_PATHS)
        prefix = self._rng.choice(("", "", "", "api/", "v1/", "v2/"))
        return f"https://{host}.{self._rng.choice(_DOMAINS)}/{prefix}{path}"

    def number_field(self) -> str:
        """A field or column that holds a number."""
        return self._new(_NUMBERS)

    def text_field(self) -> str:
        """A field or column that holds text."""
        return self._new(_TEXTS)

    def flag_field(self) -> str:
        """A field that holds true or false."""
        return self._new(_FLAGS)

    def group(self) -> str:
        """An object inside a JSON reply."""
        return self._new(_GROUPS)

    def list_field(self) -> str:
        """A list inside a JSON reply."""
        return self._new(_LISTS)

    def table(self) -> str:
        """A SQL table."""
        return self._new(_TABLES)

    def state(self) -> str:
        """A value of a status column."""
        return self._new(_STATES)

    def queue(self) -> str:
        """A queue."""
        return self._new(_QUEUES)

    def cache_slot(self) -> tuple[str, str]:
        """A cache namespace and a key."""
        return self._new(_NAMESPACES), self._new(_KEYS)

    def file(self) -> str:
        """A relative file path."""
        folder = self._rng.choice(("", "", share(_FOLDERS, self._split)[0] + "/", self._new(_FOLDERS) + "/"))
        return f"{folder}{self._new(_STEMS)}{self._rng.choice(_SUFFIXES)}"

    def address(self) -> str:
        """An e-mail address."""
        return f"{self._new(_PEOPLE)}@{self._new(_HOSTS)}.{self._rng.choice(_DOMAINS)}"

    def path(self) -> str:
        """An endpoint path."""
        return self._rng.choice(("/", "/", "/", "/api/", "/in/")) + self._new(_PATHS)

    def word(self) -> str:
        """A short word to return."""
        return self._new(_WORDS)

    def notice(self) -> str:
        """A short sentence to send."""
        return f"{self._new(_SUBJECTS)} {self._new(_TROUBLES)}"

    def needle(self) -> str:
        """A word to look for in a text."""
        return self._new(_NEEDLES)

    def value(self) -> str:
        """A text value of a field."""
        return self._new(_VALUES)

    def fresh(self, pool: Sequence[str]) -> str:
        """A name of the split's share of ``pool`` that this task does not use yet."""
        return self._new(pool)

    def number(self, low: int, high: int) -> int:
        """A whole number; its last digits tell the split (residue modulo 5)."""
        options = [n for n in range(low, high + 1) if n % 5 in _SHARES[self._split]]
        return self._rng.choice(options)

    def one_of(self, pool: Sequence[T]) -> T:
        """One entry of the split's share of ``pool``."""
        return self._rng.choice(share(pool, self._split))
