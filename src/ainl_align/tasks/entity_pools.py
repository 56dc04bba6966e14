"""Words that resource names are made of, and the forms that they take.

Every fifth word belongs to dev, every fifth to test, the others to training: see ``entities.share``. A form has the
word as ``{w}``, in capitalised camel case as ``{c}``, and a number as ``{n}``. What a form adds is never itself a word
of the kind, so that two splits cannot make the same name.
"""

from typing import NamedTuple


class Kind(NamedTuple):
    """Words of one kind of name and its forms; ``plain`` is the chance of the bare word."""

    words: tuple[str, ...]
    forms: tuple[str, ...]
    plain: float = 0.5


def _kind(words: str, forms: str, plain: float = 0.5, cut: str | None = None) -> Kind:
    return Kind(tuple(words.split(cut)), tuple(forms.split(cut)), plain)


HOST = _kind(
    "acme birch canyon delta ember falcon garnet harbor indigo juniper kestrel lagoon meadow nimbus orchid "
    "pioneer quartz ridge summit timber umber vertex willow zephyr alder beacon cobalt dune echo fjord "
    "glacier hazel iris jasper krill lumen mason north opal pebble quill raven slate tundra unity "
    "violet walnut xenon yarrow zinc anchor basil cedar dahlia elm fern grove heron island jade "
    "kelp larch maple nectar otter pine quince reef sable thistle urchin verdant wren yucca zenith amber "
    "bramble coral drift egret flint gorge holly inlet jetty kite lotus marlin nettle osprey plover quarry "
    "russet sorrel teal ursa vireo wharf yew zinnia agate bison crest dorado estuary finch gale heath ivory "
    "jackal knoll lynx moss newt onyx puma robin spruce tern vole walrus aspen badger clover dingo",
    "{w}-labs {w}works {w}-hub {w}data {w}-cloud {w}systems {w}-ops {w}tools {w}-store {w}net {w}desk {w}-core {w}base "
    "{w}-line {w}park get{w} my{w} {w}app {w}{n} {w}soft {w}-group {w}-it api.{w} data.{w} www.{w} shop.{w} intra.{w} "
    "eu.{w} v{n}.{w} staging.{w} {w}ware {w}point",
)
# Several of them are reserved for examples (RFC 2606); the hosts before the others are made up.
DOMAINS = (
    "example.com test.dev example.org corp.test lan.test example.net site.test io office.test uk.test co dev app "
    "intra.test cloud net eu.test org team.test biz"
).split()
PATH = _kind(
    "metrics stats orders load usage price rates stock quota health sensors battery traffic latency builds "
    "inventory players tickets uptime shipments forecast readings meters balance queues pumps tanks fleet jobs "
    "nodes disks sessions routes lights doors ovens trucks seats parcels bookings loans votes games songs "
    "pages alerts posts teams grades plants boats trains flights tides dams cranes silos vines herds kilns "
    "claims rooms bikes drones wells lifts visits menus offers coupons refunds invoices devices lockers "
    "probes scores matches courses exams patients beds wards labs samples turbines panels batteries chargers "
    "stations stops lines fares zones permits cases files backups releases deploys tests events feeds ropes "
    "clients leads deals quotes budgets wages shifts crews tasks tools parts racks crates pallets docks gates "
    "cameras alarms locks keys badges guests tables plates recipes crops fields weather wind rain snow",
    "api/{w} v1/{w} v2/{w} {w}/latest {w}/today {w}/current {w}/{n} {w}/all public/{w} {w}.json {w}/summary-view "
    "internal/{w} {w}/open api/v3/{w} {w}/status {w}/list export/{w} rest/{w}/{n} {w}/next {w}/{n}/info open/{w}",
)
QUERY_FORMS = ("{w}?limit={n}", "{w}?page={n}", "{w}?format=json", "api/{w}?id={n}", "v1/{w}?unit=eu&max={n}")
ENDPOINT_FORMS = ("/{w}", "/{w}", "/api/{w}", "/in/{w}", "/{w}/new", "/v1/{w}", "/hooks/{w}", "/{w}-in", "/my/{w}")
NUMBER = _kind(
    "cpu count total load level score price amount balance usage depth speed weight height volume latency "
    "error_rate headcount footfall pending stock quota size rate power humidity pressure temperature distance duration "
    "battery signal backlog credit grade rank floor capacity demand delay premium seating yield fee "
    "stake altitude voltage dose margin turnover drift lag gain slope width density dust noise torque "
    "age mass visits clicks stars points votes hours mileage rainfall salary budget discount deposit interest revenue "
    "cost tax tip fare toll rent wage bonus output throughput wear heat flow pulse oxygen sugar salt acidity "
    "brightness contrast length radius angle area pages words errors warnings retries sessions seats beds rooms "
    "quantity units boxes liters tons watts",
    "avg_{w} max_{w} daily_{w} current_{w} last_{w} {w}_pct {w}_today {w}_now net_{w} {w}_avg {w}_sum new_{w} {w}_{n} "
    "peak_{w} {w}Value current{c} daily{c} {w}Total avg{c} {w}_eur {w}_num my_{w} est_{w} real_{w} {w}Max raw{c}",
    0.6,
)
TEXT = _kind(
    "name title city label owner region color summary author category version language country reason stage "
    "brand model plan team phase branch mood topic genre format source device carrier vendor species "
    "nickname street currency role origin finish material kind channel zone layout family theme driver "
    "station captain editor artist recipe dialect harbour squad crop engine client shelf pattern badge "
    "surname company customer contact supplier product item subject headline caption comment feedback note hint "
    "venue building floorplan district province airport gate hotel school course teacher pupil doctor patient clinic "
    "ward illness drug dosage_form planet river lake forest bird flower tree fruit dish drink cuisine sport club "
    "coach player league stadium song album band film actor writer publisher",
    "main_{w} {w}_name {w}_code {w}_label {w}_text first_{w} last_{w} display{c} {w}Name {w}Code user_{w} {w}_key "
    "short_{w} {w}_de {w}_en {w}_{n} full_{w} home_{w} {w}Text my_{w} default_{w} {w}_line alt_{w} primary{c}",
    0.6,
)
FLAG = _kind(
    "active healthy enabled ready open locked online valid paid approved verified public visible fresh synced "
    "armed charged frozen listed muted booked shipped blocked signed sealed trusted loaded heated docked staffed "
    "connected complete running available premium urgent urban insured certified licensed registered subscribed "
    "confirmed printed indexed encrypted archived shared pinned starred followed vaccinated cleaned painted lit "
    "occupied reachable stable calibrated",
    "is_{w} is{c} {w}_now was_{w} {w}_flag {w}Flag now_{w} {w}_today still_{w} fully_{w} {w}_ok are{c} can_be_{w} "
    "{w}_{n} all_{w} user_{w}",
    0.6,
)
GROUP = _kind(
    "data stats result info meta payload report details current summary_data latest main usage_data node response "
    "content attributes properties overview snapshot state_info profile_data account_info settings limits totals "
    "measurement observation forecast_data conditions device_info customer_data order_data shipment billing contact "
    "location address_data geo position weather_now machine vehicle owner_data company_data document record entry "
    "header envelope message_data event_data job_data run build_info release_info package metrics_data health_info",
    "{w}_v2 {w}Info inner_{w} raw_{w} my_{w} {w}_block the_{w} {w}_obj live_{w} {w}_{n} base{c} api_{w}",
    0.6,
)
LIST = _kind(
    "items offers records results elements values list_all rows_out nodes members posts files events units "
    "entries articles messages tickets orders_found hits matches days hours months readings samples points users "
    "accounts devices sensors_found rooms_free bookings_now trips stops legs lines products parts variants prices_all "
    "quotes tasks steps jobs_open builds runs releases commits_new branches issues alerts warnings_now errors_now "
    "songs albums films books",
    "all_{w} {w}_list my_{w} {w}List new_{w} last_{w} {w}_{n} {w}_here top_{w} recent{c} open_{w} our_{w}",
    0.6,
)
TABLE = _kind(
    "orders users tasks invoices products events visits members payments books parcels rooms devices cars tickets "
    "claims leads shifts trips meals drivers tools leases files_log crates grants bills courses exams stations "
    "repairs badges clinics doses wells tests refunds tours lamps tanks buses pallets forms sites audits "
    "sales quotes loans seeds samples herds kegs tracks signals permits vans masts scans pipes bids "
    "customers suppliers employees contracts projects tenants buildings flats keys_out lockers parkings fines cases "
    "hearings judges patients nurses wards surgeries recipes dishes menus reservations guests bookings flights crews "
    "passengers luggage trains wagons stops routes bikes helmets rentals players teams matches_played goals leagues "
    "songs albums concerts museums exhibits paintings pupils teachers lessons grades libraries authors readers "
    "machines parts batches defects inspections vineyards barrels bottles fields tractors harvests cows pigs hives",
    "app_{w} {w}_2024 {w}_2025 old_{w} {w}_archive {w}_eu shop_{w} {w}_log tbl_{w} crm_{w} {w}_v2 staging_{w} my_{w} "
    "{w}_{n} all_{w} {w}_new web_{w} {w}_raw hr_{w} {w}_test city_{w} {w}_import t_{w} {w}_main",
    0.6,
)
STATE = _kind(
    "open closed late paid failed active expired blocked shipped draft returned lost queued approved broken "
    "archived pending damaged booked cancelled idle overdue rejected stale flagged held missing sealed urgent worn "
    "accepted assigned billed cleared confirmed created declined deferred delivered denied dispatched done escalated "
    "exported filed finished fixed frozen granted ignored imported inactive invoiced issued locked merged muted new "
    "notified parked paused picked planned posted printed processed published ready received recalled released "
    "reopened requested reserved resolved retired reviewed revoked running scheduled settled signed solved sorted "
    "spent started stopped stored suspended tested trashed unknown unpaid unread unsold used vacant verified void "
    "waiting wanted withdrawn written",
    "not_{w} partly_{w} auto_{w} fully_{w} newly_{w} {w}_twice {w}_eu almost_{w} {w}_ok to_be_{w} {w}_today {c} "
    "half-{w} {w}_abroad pre_{w}",
    0.7,
)
QUEUE = _kind(
    "alerts jobs mail billing reports audit events updates tasks exports pager warnings intake outbound "
    "retry archive notices reviews leads invoices cleanup printing shipping returns uploads sync imports "
    "escalations payments signups feedback renders labels digests orders stock night front-desk "
    "sensors transcodes approvals refunds harvest dispatch voice scans restock welcome fraud kitchen lobby pumps dock "
    "incidents messages tickets support helpdesk sales marketing finance payroll legal security backups deploys "
    "builds tests releases crawls thumbnails videos images documents contracts letters parcels drivers fleet routes "
    "bookings checkins checkouts housekeeping laundry garden pool spa bar minibar complaints surveys polls votes "
    "subscriptions renewals cancellations reminders invitations campaigns newsletters webhooks metrics traces logs",
    "{w}-in {w}-out {w}_eu {w}.high {w}-low new-{w} {w}-{n} q_{w} {w}_box {w}.v2 prod-{w} {w}-todo all-{w} {w}.main "
    "{w}-priority {w}_later urgent-{w} my-{w} {w}-work team.{w} {w}-bus",
)
NAMESPACE = _kind(
    "settings session rates flags weather counters profile limits prices tokens menu layout search home feeds "
    "geo stock users pages routes quotas themes stats names hints locks reads boards games maps "
    "config catalog products orders carts deals coupons ads news articles authors tags comments likes friends groups "
    "events tickets seats trips trains buses flights hotels rooms guests meals recipes sensors meters alarms cameras "
    "doors lights robots jobs workers builds deploys hosts domains certs invoices payments taxes budgets scores ranks",
    "{w}_kv app.{w} {w}:v2 my_{w} {w}_eu {w}-{n} hot_{w} {w}_tmp web.{w} {w}-live our-{w} {w}_store {w}:main "
    "{w}-fast shop_{w} {w}Data",
)
KEY = _kind(
    "last_total current mode theme region latest limit owner token cursor banner rate greeting visits high_score "
    "locale plan offset motto deadline shift quota winner path seed draft_id ceiling slogan window anchor "
    "leader volume palette season target_city batch speed_cap checkpoint host_name footer pin_code pace snapshot "
    "lead_time currency language timezone version build release schema cluster primary replica status_text headline "
    "summary top_story hero_image logo favicon tagline contact hotline address opening_hours closing_time holiday "
    "capital_city river mountain planet star moon tide sunrise sunset pollen humidity wind_speed forecast air_quality "
    "exchange gold_price oil_price stock_index interest vat shipping_fee minimum_order discount voucher bonus jackpot "
    "champion record_time lap_time pole_position referee stadium",
    "{w}_eu {w}:today my_{w} {w}-{n} {w}_v2 new_{w} {w}:main default_{w} {w}Now {w}_cached user:{n}:{w} the_{w} {w}.de "
    "shop:{w} {w}_tmp prev_{w} {w}-live",
)
STEM = _kind(
    "report summary notes status daily inbox readme totals config menu backup users export log agenda diary stock "
    "prices greeting results orders invoice budget roster digest brief letter index plan memo survey recipe "
    "draft schedule manifest script outline journal ledger minutes handover rota checklist briefing bulletin audit "
    "contract offer quote receipt statement payroll forecast timeline roadmap backlog changelog release license "
    "glossary handbook manual guide tutorial lesson exam grades attendance timetable calendar events guests seating "
    "invitation speech poem story chapter lyrics setlist playlist credits poster flyer menu_card shopping pantry "
    "garden harvest weather tides logbook voyage cargo customs passport visa itinerary packing tickets hotels "
    "expenses mileage repairs inspection defects warranty inventory assets keys contacts",
    "{w}_today {w}-{n} {w}_2025 my_{w} {w}-final new-{w} {w}_v2 old_{w} {w}-copy the-{w} {w}_eu weekly-{w} {w}_en "
    "monthly_{w} {w}-latest {w}.old {w}_{n} team-{w}",
)
FOLDER = _kind(
    "out data reports archive notes drop logs shared docs work tmp_files exports inbox_dir team pages "
    "output input incoming outgoing public private office home lists text var store storage depot vault cellar "
    "desk board projects clients sites shop sales books papers letters media assets build dist target results runs",
    "{w}/new {w}/2025 my/{w} {w}/eu {w}/daily all/{w} {w}_{n} {w}/old {w}-a {w}/x",
    0.7,
)
SUFFIXES = (".txt", ".txt", ".txt", ".md", ".log", ".csv", ".json", ".html", ".dat")
PERSON = _kind(
    "ops alice team bruno support chen oncall dana sales emil admin fatima billing goran help hana desk ivan "
    "facility jo editor kofi nurse lena office marta crew nils press olga lab petra garage quinn kitchen rosa "
    "warehouse sven dispatch tara finance uwe legal vera field walt night yara studio zoe "
    "accounts anton boss beate captain carlos coach chloe director dmitri engineer elif founder farid guard greta "
    "host hugo intern ines janitor jamal keeper kira librarian luis manager mei notary noor owner oscar pilot priya "
    "porter pavel reception ravi security selma trainer tomas union ulla vet viktor waiter wanda xavier yusuf zara "
    "barista astrid buyer bela chef cora doctor diego events ewa fleet fritz gardener gita hotline hanne",
    "{w}.k the.{w} {w}-team {w}{n} {w}.m {w}_eu info.{w} {w}.l {w}-de {w}.{n} j.{w} {w}-on-duty a.{w} {w}+work {w}.b",
)
WORD = _kind(
    "done ok stored accepted sent high low skipped updated ready quiet alarm saved fine busy normal rejected "
    "empty full refreshed warm cold invalid logged late unknown offline green red blue found absent safe "
    "notified steady closed cleared queued calm spiked filed kept denied healthy dropped blocked light heavy noted "
    "slow fast passed failed routed parked flagged settled wrapped missing "
    "added archived awake away bad big booked bright broken cancelled changed clean complete copied counted created "
    "crowded dark deep deleted delivered dirty dry due early easy enough equal error exact expired few finished fixed "
    "flat fresh frozen good granted happy hard hidden hot huge idle ignored joined known large level locked long loud "
    "marked mild minor mixed moved near neutral new old open paid plain posted present printed quick rare raised rough "
    "round short shut sick silent small smooth solid sorted stable stale started stopped strong sunny tall tight tiny",
    "now_{w} all_{w} {w}_now {w}! not_{w} {w}_again still_{w} {w}_today {w}-{n} {c} {c}! {w}_as_expected",
    0.7,
)
SUBJECT = _kind(
    "disk pump door server printer backup battery fan camera router boiler gate valve sensor freezer elevator "
    "truck lamp heater modem oven crane filter turbine mixer scale ramp scanner kiln drone buoy radio "
    "beacon feeder hoist antenna barrier bridge cable charger chiller compressor conveyor counter dryer engine "
    "fence forklift fountain furnace fuse generator grinder hatch hose kettle ladder laser lever lift lock loom magnet "
    "meter mill monitor motor nozzle oxygen_tank panel pipe piston plotter press probe projector rack relay robot roof "
    "rotor shaft shredder shutter signal sink siren socket speaker sprinkler switch tank tap tent thermostat tower "
    "tractor trailer tram transformer tunnel vent wagon washer webcam wheel winch window wiper",
    "{w}_{n} main_{w} spare_{w} north_{w} left_{w} new_{w} the_{w} {w}_B old_{w} our_{w} upper_{w} rear_{w}",
    0.5,
)
TROUBLES = tuple(
    "is full|needs a check|went down|is over the limit|has stopped|looks wrong|is low|needs service|is overheating|"
    "is back|must be replaced|is leaking|is stuck|is too slow|is offline again|has no power|missed a beat|"
    "reports a fault|is jammed|needs a restart|is running dry|lost its link|is out of range|needs cleaning|"
    "is not responding|makes noise|is blocked|needs oil|was moved|is empty|should be tested|is due for a check|"
    "ran hot|failed twice|was switched off|is unlocked|has been repaired|is cold|vibrates|smells burnt|"
    "works again|has a crack|needs a new part|was opened|draws too much current|is loose|is wet|tripped|"
    "shows error 7|is waiting for parts|is out of paper|lost pressure|has gone quiet|is spinning|needs paint|"
    "was cleaned|is unattended|must be locked|is on reserve|is being moved".split("|")
)
NEEDLE = _kind(
    "error timeout refund urgent sale beta invoice storm cancel offline spam denied overdue festival recall delay "
    "coupon strike outage merger leak fire upgrade warning leaked flood breach holiday frost resign "
    "alert apology auction award ballot bankrupt birthday blizzard bonus boycott broken budget census closure "
    "complaint concert contest crash curfew debt defect deposit detour discount draft drought earthquake eclipse "
    "election embargo evacuate exam expired fatal fine fraud freeze gala gift glitch grant hail hazard heatwave hiring "
    "hurricane illegal injury inspection jackpot lawsuit layoff lottery lost marathon mayor mold notice parade "
    "password penalty petition phishing pirate poison premiere protest quarantine raffle rebate reboot rescue reward "
    "riot robbery rocket rumor sabotage scandal shortage siege sirens smoke snow stolen subsidy tariff theft tornado",
    "{w}-{n} big_{w} {w}: #{w} no_{w} {w}! code_{w} {w}/{n} new_{w} [{w}]",
    0.7,
)
VALUE = _kind(
    "gold north silver premium south basic east trial west standard bronze express fragile bulk green local "
    "partner legacy export retail night vip manual remote solar diesel rural coastal alpine urban "
    "amber arctic azure beta carbon ceramic citrus classic copper cotton crimson custom deluxe desert digital "
    "domestic double eastern economy electric family foreign forest freight frozen garden giant glass granite heavy "
    "hybrid indoor island junior large leather linear lunar marble marine maritime master medium mobile modern "
    "mountain mini natural nordic organic outdoor oval plastic platinum polar priority private purple quick rapid "
    "regional royal rubber scarlet senior single slim small smart steel stone student summer tropical turbo velvet "
    "vintage violet wooden woolen winter",
    "{w}-plus {w}_{n} {w}-{n} type-{w} {w}-xl new-{w} {w}_eu {w}-a {w}-line mix-{w} {w}2go {w}_class",
    0.6,
)

HEADS = (
    "al am an ar bal ban bar bel ber bin bol bon bor bran bren brim bul cal can car cel cen chal chan cher clav cog "
    "col con cor crad cran crel cul dal dan dar dem den dor dral dul el em en er fal fan far fel fen fir fol for fral "
    "ful gal gan gar gel gen gib gol gor gran grel gul hal han har hel her hol hor hul im in jal jan jar jor jul kal "
    "kan kel ker kin kol kor lam lan lar lem len lin lob lom lor lud mal man mar mel men mer mil min mol mon mor mul "
    "mur nal nan nar nel ner nim nol nor nub ol or os pal pan par pel pen per pil plan plen pol por pral pul pup quar "
    "quil ral ran rel ren rim rol ron ros rul sal san sar scal sel sem sen ser shal sil sin sol sor spal spen stan "
    "stel stor sul tal tam tan tar tel ten ter thal til tin tol tor tral trel tul ul um un val van var vel ven ver "
    "vil vin vol vor wal wan war wel wen wil win wor yal yar yel zal zan zel zor"
).split()
"""How a word begins that is made up for training."""
TAILS = (
    "a able ace act ada ade age aid ain ak al ance and ane ant ar ard are ase ast ate ave ax ay bit bo by ca cade ce "
    "chet cine co cy da del den der det dic dle do don dor dy ed el ell ence end ene ent er est et etta ette ey fer "
    "fice fit fle ful ga gate ge gen get gle go gon ia ible ic ice id ide ie il ile ill ime in ine ing ion ique ir is "
    "ish ism ist it ita ite ium ive ix ka ke ken ket kin ko la land lash lep ler les let ley lic lin ling lo lock lom "
    "lon low lus ly ma man mate men mer met mine mit mo mond mor my na nal ne nel ness net nic nik no nor nox ny oid "
    "oil ol on one oon or ora ore ory os ot ove ow pa pel per pet pin pit ple po pus ra rel ren ret ric rik rin ris "
    "ro rock ron row rus ry sa sal se sel sen set sic sin sis sle so sol son sor st sy ta tain tal te tel ten ter tes "
    "tet tic til tin tis tle to ton tor tra tron trum tus ty ula ule um un und uno ura ure us va val van vel ven ver "
    "vet vic vil vin vis vo vor wa way well win wood yn zen zo"
).split()
"""How such a word ends."""
