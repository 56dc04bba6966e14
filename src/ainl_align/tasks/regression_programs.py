"""Gold programs of the twelve regression tasks, in the style of ``tasks/program.py``."""

_WEATHER_EMAIL = """\
S app core noop
L_main:
  R http.GET "https://api.skycast.net/cities/seattle" ->resp
  R core.GET resp "body.now.sky" ->val
  R core.GET resp "body.now.temp_c" ->val2
  R core.CONCAT "Seattle: " val ", " val2 " C" ->msg
  R queue.PUT "mailto:opsdesk@cascadia.io" msg ->res
  J res
"""

_API_STATUS_ALERT = """\
S core cron
Cr L_main "*/5 * * * *"
L_main:
  R http.GET "https://status.paylane.io/v3/health" ->resp
  R core.GET resp "body.state" ->val
  R core.EQ val "ok" ->hit
  If hit ->L_yes ->L_no
L_yes:
  J false
L_no:
  R core.CONCAT "Paylane status is " val ->msg
  R queue.PUT "pager-duty" msg ->res
  J res
"""

_RSS_TO_SQLITE = """\
S core cron
Cr L_main "*/30 * * * *"
L_main:
  R http.GET "https://feeds.dailybyte.net/latest.json" ->resp
  R core.GET resp "body.entries" ->val
  R core.STRINGIFY val ->js
  R core.STRINGIFY js ->js2
  R core.CONCAT "[" js2 "]" ->raw
  R core.PARSE raw ->args
  R sqlite.EXECUTE "INSERT OR IGNORE INTO articles (guid, title) SELECT json_extract(value, '$.guid'), \
json_extract(value, '$.title') FROM json_each(?)" args ->res
  J res
"""

_DAILY_CSV_REPORT = """\
S core cron
Cr L_main "0 8 * * *"
L_main:
  R sqlite.QUERY "SELECT group_concat(line, char(10)) AS csv FROM (SELECT id || ',' || page AS line FROM clicks \
WHERE day = date('now', '-1 day') ORDER BY id)" ->rows
  R core.GET rows "0.csv" ->val
  R fs.WRITE "daily/clicks.csv" val ->res
  J res
"""

_WEBHOOK_INGEST = """\
S core web /api
E /hooks/orders P ->L_main ->out
L_main:
  Set body $body
  Call L_work ->out
  J out
L_work:
  R core.GET body "order_ref" ->val
  R core.GET body "buyer" ->val2
  If val ->L_yes ->L_no
L_yes:
  If val2 ->L_yes2 ->L_no2
L_yes2:
  R core.STRINGIFY val ->js
  R core.STRINGIFY val2 ->js2
  R core.CONCAT "[" js "," js2 "]" ->raw
  R core.PARSE raw ->args
  R sqlite.EXECUTE "INSERT INTO hook_orders (order_ref, buyer) VALUES (?, ?)" args ->res
  J "accepted"
L_no2:
  J "buyer missing"
L_no:
  J "order_ref missing"
"""

_RETRY_ON_HTTP_FAIL = """\
S app core noop
L_main:
  R http.GET "https://ledger.finwell.net/export" ->resp
  Retry @n1 3 500 exponential
  Err @n1 ->L_fail
  R core.GET resp "body" ->val
  R queue.PUT "ledger-in" val ->res
  J "imported"
L_fail:
  R queue.PUT "error-log" "ledger export failed" ->res
  J "gave up"
"""

_BRANCH_ON_RISK = """\
S app core noop
L_main:
  R http.GET "https://risk.lendora.net/applicants/next" ->resp
  R core.GET resp "body.applicant" ->val
  R core.GET resp "body.late_bills" ->val2
  R core.GET resp "body.open_debts" ->val3
  R core.MUL val2 10 ->num
  R core.ADD num val3 ->num2
  R core.GT num2 70 ->hit
  If hit ->L_yes ->L_no
L_yes:
  R queue.PUT "manual-review" val ->res
  J "review"
L_no:
  R queue.PUT "auto-approve" val ->res
  J "approved"
"""

_QUEUE_WORKER = """\
S core cron
Cr L_main "* * * * *"
L_main:
  R sqlite.QUERY "SELECT id, doc FROM print_jobs WHERE state = 'fresh' ORDER BY id LIMIT 1" ->rows
  R core.GET rows "0.id" ->val
  R core.GET rows "0.doc" ->val2
  If val ->L_yes ->L_no
L_yes:
  R core.STRINGIFY val2 ->js
  R core.CONCAT "{\\"file\\":" js "}" ->raw
  R core.PARSE raw ->obj
  R http.POST "https://printer.floor2.net/jobs" obj ->res
  Err @n4 ->L_fail
  R core.STRINGIFY val ->js2
  R core.CONCAT "[" js2 "]" ->raw2
  R core.PARSE raw2 ->args
  R sqlite.EXECUTE "UPDATE print_jobs SET state = 'printed' WHERE id = ?" args ->res
  J res
L_fail:
  R core.STRINGIFY val ->js2
  R core.CONCAT "[" js2 "]" ->raw2
  R core.PARSE raw2 ->args
  R sqlite.EXECUTE "UPDATE print_jobs SET state = 'error' WHERE id = ?" args ->res
  J res
L_no:
  J false
"""

_DB_TO_EMAIL_DIGEST = """\
S core cron
Cr L_main "30 17 * * 1-5"
L_main:
  R sqlite.QUERY "SELECT group_concat(subject, '; ') AS list FROM (SELECT subject FROM support_tickets \
WHERE state = 'open' ORDER BY id)" ->rows
  R core.GET rows "0.list" ->val
  If val ->L_yes ->L_no
L_yes:
  R core.CONCAT "Open: " val ->msg
  R queue.PUT "mailto:lead@helpline.io" msg ->res
  J res
L_no:
  J false
"""

_AUTH_POLICY_GATE = """\
S app core noop
L_main:
  R http.GET "https://policy.gatehall.net/export-allowed" ->resp
  R core.GET resp "body.allowed" ->val
  If val ->L_yes ->L_no
L_yes:
  R http.GET "https://vault.gatehall.net/figures" ->resp2
  R core.GET resp2 "body.revenue" ->val2
  J val2
L_no:
  R queue.PUT "audit-trail" "export refused" ->res
  J "unauthorised"
"""

_TRANSFORM_AND_POST = """\
S app core noop
L_main:
  R http.GET "https://shop.tinywares.net/featured" ->resp
  R core.GET resp "body.title" ->val
  R core.GET resp "body.stock" ->val2
  R core.UPPER val ->text
  R core.SUB val2 2 ->num
  R core.STRINGIFY text ->js
  R core.STRINGIFY num ->js2
  R core.CONCAT "{\\"name\\":" js ",\\"qty\\":" js2 "}" ->raw
  R core.PARSE raw ->obj
  R http.POST "https://market.bigbazaar.net/offers" obj ->res
  J "posted"
"""

_CRON_BACKUP_NOTIFY = """\
S core cron
Cr L_main "0 2 * * *"
L_main:
  R sqlite.QUERY "SELECT COUNT(*) AS n, group_concat(line, char(10)) AS csv FROM (SELECT id || ',' || email AS line \
FROM customers ORDER BY id)" ->rows
  R core.GET rows "0.csv" ->val
  R core.GET rows "0.n" ->val2
  R fs.WRITE "backups/customers.csv" val ->res
  R core.CONCAT "backup finished, " val2 " rows" ->msg
  R queue.PUT "mailto:dba@vaultline.io" msg ->res
  J res
"""

GOLDS: dict[str, str] = {
    "weather_email": _WEATHER_EMAIL,
    "api_status_alert": _API_STATUS_ALERT,
    "rss_to_sqlite": _RSS_TO_SQLITE,
    "daily_csv_report": _DAILY_CSV_REPORT,
    "webhook_ingest": _WEBHOOK_INGEST,
    "retry_on_http_fail": _RETRY_ON_HTTP_FAIL,
    "branch_on_risk": _BRANCH_ON_RISK,
    "queue_worker": _QUEUE_WORKER,
    "db_to_email_digest": _DB_TO_EMAIL_DIGEST,
    "auth_policy_gate": _AUTH_POLICY_GATE,
    "transform_and_post": _TRANSFORM_AND_POST,
    "cron_backup_notify": _CRON_BACKUP_NOTIFY,
}
"""By task id."""
