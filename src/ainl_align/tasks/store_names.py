"""Names of records, api paths, commands and memory entries, from pools that train, dev and test do not share."""

from ainl_align.tasks.entities import Entities

_ENTITIES = (
    "Order Invoice User Ticket Booking Product Claim Driver Lease Patient Course Vehicle Shipment Contract Employee "
    "Payment Supplier Project Device Room Student Coupon Subscription Station Visitor Parcel Campaign Loan Member "
    "Refund Sensor Recipe Tenant Meeting Badge Flight Permit Article Donor Asset Customer Delivery Review Account "
    "Session Event Policy Quote Pallet Warehouse Candidate Grant Survey Exam Teacher Clinic Dose Repair Robot Crane "
    "Season Match Player Song Album Author Book Copy Fine Branch Vendor Batch Recall Trip Passenger Luggage Depot "
    "Cargo Voyage PurchaseOrder WorkItem TimeSheet CreditNote PriceList HelpRequest StockItem JobPost SavedSearch"
).split()
_PATHS = (
    "rates orders stock users prices health fleet jobs limits weather menu scores tickets quotas seats alarms bills "
    "tides power doors energy loans parcels votes trips lanes pumps shifts meters badges tanks visits audits crews "
    "docks ovens keys routes lamps flights permits grades plants boats teams games streams zones claims-open "
    "wards kitchens lifts vans orchards greenhouses pools reactors quarries hangars"
).split()
_PARTS = (
    "latest summary open today local now status next daily live total current main ready final best new count all "
    "recent stats info due late north free active level best-of week"
).split()
_DOES = (
    "backup check sync rotate list build scan clean print warm export verify pack probe compact fetch test dump render "
    "count sort tail lint poll mount flush trim seal renew drain"
).split()
_THINGS = (
    "db disk files logs jobs site ports tmp stats cache crm certs assets mail index feeds ups users pics bank hosts "
    "events pdfs config gpio share dns video box node lease photos docs raid"
).split()
_FLAGS = (
    "--full --quick --json --dry-run --all --quiet --verbose --force --daily --remote --strict --local --now --short "
    "--deep --today --fresh --nightly --safe --brief -v -q -a -x -n"
).split()
_ACTS = (
    "sync refresh open print ring start lock send dim play reset close post update wake feed archive page tune fire "
    "call raise spin stamp zip"
).split()
_TOOLS = (
    "crm index gate label bell pump doors fax lights chime meter valve slack sign robot fish case nurse radio hook "
    "taxi flag fan doc folder"
).split()
_KINDS = (
    "incident profile checkpoint preference summary_card alert_log visit reading decision handover outage contact todo "
    "draft_plan metric lesson reminder transcript budget_line review watermark greeting_card sighting feedback_item "
    "shift_log cursor_state goal_list risk question complaint price_point run_report weather_fact user_trait chat_turn "
    "purchase promise deadline score_sheet snapshot_info"
).split()
_IDS = (
    "latest main current home primary first today north default weekly alpha master general public archive east "
    "shared evening global front night spare west office team-a team-b site-1 site-9 run user user-7 gate "
    "unit robot line batch plant ward deck floor"
).split()
MEMORY_SPACES = ("session", "long_term", "daily_log", "workflow", "ops")
"""The only namespaces that the reference's memory takes."""


def entity(names: Entities) -> str:
    """The name of a kind of db record."""
    return names.fresh(_ENTITIES)


def api_path(names: Entities) -> str:
    """A path of the api."""
    return f"/{names.fresh(_PATHS)}/{names.one_of(_PARTS)}"


def command(names: Entities, flags: int) -> tuple[str, ...]:
    """A program with so many flags."""
    return (f"{names.one_of(_DOES)}-{names.fresh(_THINGS)}", *(names.fresh(_FLAGS) for _ in range(flags)))


def operation(names: Entities) -> str:
    """An operation of the ext adapter."""
    return f"{names.one_of(_ACTS)}_{names.fresh(_TOOLS)}"


def memory_kind(names: Entities) -> str:
    """A kind of memory records."""
    return names.fresh(_KINDS)


def memory_id(names: Entities, *, numbered: bool) -> str:
    """The id of a memory record, with a number at its end or without."""
    word = names.fresh(_IDS)
    return f"{word}-{names.number(2, 90)}" if numbered else word
