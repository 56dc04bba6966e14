"""Names of records, api paths, commands and memory entries, from pools that train, dev and test do not share."""

from ainl_align.tasks.entities import Entities

_ENTITIES = (
    "Order Invoice User Ticket Booking Product Claim Driver Lease Patient Course Vehicle Shipment Contract Employee "
    "Payment Supplier Project Device Room Student Coupon Subscription Station Visitor Parcel Campaign Loan Member "
    "Refund Sensor Recipe Tenant Meeting Badge Flight Permit Article Donor Asset"
).split()
_PATHS = (
    "rates/latest orders/open stock/summary users/me prices/today health/now fleet/status jobs/next limits/daily "
    "weather/local menu/today scores/live tickets/new quotas/team seats/free alarms/active bills/due tides/next "
    "power/usage doors/state energy/hourly loans/late parcels/lost votes/total trips/current lanes/load pumps/main "
    "shifts/week meters/gas badges/new tanks/level visits/count audits/last crews/ready votes/final docks/north "
    "ovens/heat keys/spare routes/best lamps/hall"
).split()
_PROGRAMS = (
    "backup-db check-disk sync-files rotate-logs list-jobs build-site scan-ports clean-tmp print-stats warm-cache "
    "export-crm verify-certs pack-assets probe-mail compact-index reindex fetch-feeds test-ups dump-users resize-pics "
    "import-bank restart-proxy count-mail sort-inbox render-map ping-hosts tail-events merge-pdfs lint-config "
    "poll-gpio mount-share flush-dns trim-video seal-box renew-lease stage-build drain-node tag-photos deploy-docs "
    "check-raid"
).split()
_FLAGS = (
    "--full --quick --json --dry-run --all --quiet --verbose --force --daily --remote --strict --local --now --short "
    "--deep --today --fresh --nightly --safe --brief"
).split()
_OPERATIONS = (
    "sync_crm refresh_index open_gate print_label ring_bell start_pump lock_doors send_fax dim_lights play_chime "
    "reset_meter close_valve post_slack update_sign wake_robot feed_fish archive_case page_nurse tune_radio fire_hook "
    "call_taxi raise_flag spin_fan stamp_doc zip_folder"
).split()
_KINDS = (
    "incident profile checkpoint preference summary_card alert_log visit reading decision handover outage contact todo "
    "draft_plan metric lesson reminder transcript budget_line review watermark greeting_card sighting feedback_item "
    "shift_log"
).split()
_IDS = (
    "latest main current home primary first today north default weekly alpha master general public archive_a backup_b "
    "east shared evening global front night_run spare west office"
).split()
MEMORY_SPACES = ("session", "long_term", "daily_log", "workflow", "ops")
"""The only namespaces that the reference's memory takes."""


def entity(names: Entities) -> str:
    """The name of a kind of db record."""
    return names.fresh(_ENTITIES)


def api_path(names: Entities) -> str:
    """A path of the api."""
    return "/" + names.fresh(_PATHS)


def command(names: Entities, flags: int) -> tuple[str, ...]:
    """A program with so many flags."""
    return (names.fresh(_PROGRAMS), *(names.fresh(_FLAGS) for _ in range(flags)))


def operation(names: Entities) -> str:
    """An operation of the ext adapter."""
    return names.fresh(_OPERATIONS)


def memory_kind(names: Entities) -> str:
    """A kind of memory records."""
    return names.fresh(_KINDS)


def memory_id(names: Entities) -> str:
    """The id of a memory record."""
    return names.fresh(_IDS)
