# Sourced by every script here: where things are kept, and how steps are shown.
set -euo pipefail
HACK=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$HACK")
# shellcheck source=versions.sh
. "$HACK/versions.sh"
CACHE=${AKS_OPERATOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/aks-operator}
LOGS=$CACHE/logs
STATE=$CACHE/run
mkdir -p "$CACHE/bin" "$LOGS" "$STATE"
export PATH=$CACHE/bin:$HOME/.local/bin:$PATH # first: what is in there was got because what the machine has is missing or too old

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# step TITLE COMMAND…: run it with its output in a log file; show what is being done, for how long, and the log's end on failure.
step() {
  show "$@"
  [ "$RESULT" != 0 ] || return 0
  tail -n 25 "$(log_of "$1")" >&2
  die "$1 failed; the whole log is $(log_of "$1")"
}

# attempt TITLE COMMAND…: the same for what may fail: it returns whether it did not. Where its result is asked for, bash does
# not end COMMAND at its first failure: COMMAND has to see to that itself.
attempt() {
  show "$@"
  return "$RESULT"
}

log_of() { echo "$LOGS/$(tr -c 'a-zA-Z0-9\n' '-' <<<"$1" | tr A-Z a-z).log"; }

show() { # TITLE COMMAND…: the exit code is in RESULT; never fails itself
  local title=$1 started=$SECONDS log pid every last=0
  shift
  log=$(log_of "$title")
  if [ -t 2 ]; then every=1; else every=30; say "==> $title"; fi
  ( set -euo pipefail; "$@" ) >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if [ $((SECONDS - started - last)) -ge $every ]; then
      last=$((SECONDS - started))
      if [ -t 2 ]; then
        printf '\r\033[K==> %s … %ds  %.60s' "$title" "$last" "$(tail -n 1 "$log" | tr -cd '[:print:]')" >&2
      else
        say "    … ${last}s: $(tail -n 1 "$log" | tr -cd '[:print:]' | cut -c1-100)"
      fi
    fi
  done
  RESULT=0
  wait "$pid" || RESULT=$?
  local outcome="done in"
  [ $RESULT = 0 ] || outcome="failed after"
  if [ -t 2 ]; then printf '\r\033[K==> %s: %s %ds\n' "$title" "$outcome" $((SECONDS - started)) >&2; else say "    $outcome $((SECONDS - started))s"; fi
}

# key FILE…: a short hash of the versions and of these files, to name a cached artifact by.
key() { cat "$HACK/versions.sh" "$@" | sha256sum | cut -c1-12; }

# apt_install PACKAGE…: from the distribution, as root.
apt_install() {
  have apt-get || die "$* must be installed by hand on this system"
  [ "$(id -u)" = 0 ] || die "$* must be installed: run 'sudo apt-get install $*' and try again"
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" ||
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; }
}

# mirror: where this machine gets its distribution's packages from.
mirror() { apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' | sort -u | head -n 1; }

# can_pull IMAGE: whether an image can be had from a registry, found out by trying for a few seconds.
can_pull() {
  [ "${AKS_OPERATOR_PULL:-yes}" = yes ] || return 1
  docker image inspect "$1" >/dev/null 2>&1 || timeout "${2:-15}" docker manifest inspect "$1" >/dev/null 2>&1
}

# image_here: what tells the image, and the kind cluster it is meant for, from all earlier ones.
image_here() { echo "$(docker image inspect -f '{{.Id}}' "$IMAGE") $(docker inspect -f '{{.Created}}' "$CLUSTER-control-plane")"; }

# address_of CONTAINER: its IPv4 address; empty while it does not run.
address_of() { docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"; }
