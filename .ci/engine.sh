#!/usr/bin/env bash
# A Docker engine for CI.
#
#   engine.sh start   nothing to do where one answers already; otherwise install it (Debian bookworm, as root) and start it
#   engine.sh stop    stop the engine that start has started, and no other
#
# Safe to repeat. Logs: /run/kafkahandson-engine
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=/run/kafkahandson-engine
docker_run=/run/docker # dockerd's own default (--exec-root)

say() { echo "engine: $*" >&2; }
die() { say "$*"; exit 1; }

answers() { docker info >/dev/null 2>&1; }

# A pid alone proves nothing: it may have gone to another process since. Pid and start time together are one process.
# The fields are counted after the last ")", because a command's name may hold blanks.
start_time() { { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null || true; } | cut -d' ' -f20; }
command_name() { cat "/proc/$1/comm" 2>/dev/null; }

# Waits until a command succeeds: wait_for SECONDS COMMAND...
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

# Bookworm's own docker-compose is version 1, which reads neither `name:` nor inline `configs:`. Docker and Compose of
# the next Debian release run on bookworm too, so these four packages come from there, and nothing else does.
# Where from: the machine's own bookworm source under its next name. All of it in a throwaway apt configuration: the
# machine's own stays as it is.
install_engine() {
  # shellcheck disable=SC1091
  (. /etc/os-release && [ "${VERSION_CODENAME:-}" = bookworm ]) ||
    die "no Docker engine answers, and only on Debian bookworm do I know how to install one"

  local apt sources
  apt=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$apt'" EXIT
  chmod 755 "$apt" # apt reads it as its own user
  cp -a /etc/apt/. "$apt"
  mkdir -p "$apt/lists/partial"
  sources=$("$here/debian-sources.sh")
  rm -rf "$apt/sources.list" "$apt/sources.list.d"
  mkdir "$apt/sources.list.d"
  {
    echo "$sources"
    echo "$sources" | awk '$3 == "bookworm" { $3 = "trixie"; print }'
  } >"$apt/sources.list.d/engine.list"
  cat >"$apt/preferences.d/00engine" <<'PIN'
Package: docker.io docker-cli docker-compose docker-buildx
Pin: release n=trixie
Pin-Priority: 990

Package: *
Pin: release n=trixie
Pin-Priority: -1
PIN

  local options=(-qq -o "Dir::Etc=$apt" -o "Dir::State::lists=$apt/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o DPkg::Lock::Timeout=300)
  say "installing Docker"
  apt-get "${options[@]}" update >&2
  # iptables: dockerd publishes ports with it. cgroupfs-mount: for machines without systemd. mmdebstrap: builds the base
  # image in images/build.sh.
  DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install -y --no-install-recommends \
    docker.io docker-cli docker-compose docker-buildx iptables cgroupfs-mount mmdebstrap ca-certificates >"$state/install.log" 2>&1 ||
    die "could not install Docker: $(tail -n 20 "$state/install.log")"
}

# After a crash or a reboot the pid files of dockerd and its containerd may name a process that is long gone, or another
# one altogether; dockerd would believe them.
remove_stale() {
  local file=$1 name=$2 pid
  pid=$(cat "$file" 2>/dev/null) || return 0
  [ "$(command_name "$pid")" = "$name" ] || rm -f "$file"
}

start() {
  if answers; then
    say "Docker $(docker version --format '{{.Server.Version}}') answers already"
  else
    [ "$(id -u)" = 0 ] || die "no Docker engine answers, and only root can install and start one"
    mkdir -p "$state"
    { command -v dockerd && command -v mmdebstrap && docker compose version; } >/dev/null 2>&1 || install_engine
    remove_stale /run/docker.pid dockerd
    remove_stale "$docker_run/containerd/containerd.pid" containerd
    if [ ! -e /run/docker.pid ]; then
      cgroupfs-mount
      setsid dockerd >"$state/dockerd.log" 2>&1 </dev/null &
      echo "$! $(start_time $!)" >"$state/dockerd"
    fi
    wait_for 60 answers || die "dockerd does not answer: $(tail -n 20 "$state/dockerd.log" 2>&1)"
    say "started Docker $(docker version --format '{{.Server.Version}}')"
  fi
  docker compose version >/dev/null 2>&1 || die "this Docker has no Compose plugin (docker compose)"
}

# Ends one process, known by its pid and start time: SIGTERM, then SIGKILL after 60 s.
end() {
  local pid=$1 since=$2
  gone() { [ "$(start_time "$pid")" != "$since" ]; }
  gone && return
  kill "$pid"
  wait_for 60 gone && return
  kill -9 "$pid"
  wait_for 10 gone
}

stop() {
  local pid since
  if ! read -r pid since 2>/dev/null <"$state/dockerd"; then
    say "not started by me, so not mine to stop"
    return
  fi
  if [ "$(start_time "$pid")" = "$since" ]; then
    # dockerd ends its own containerd with it, unless it has to be killed.
    local containerd containerd_since
    containerd=$(cat "$docker_run/containerd/containerd.pid" 2>/dev/null || true)
    containerd_since=$(start_time "${containerd:-none}")
    end "$pid" "$since"
    [ -z "$containerd_since" ] || end "$containerd" "$containerd_since"
    say "stopped"
  else
    say "had stopped already"
  fi
  rm -rf "$state"
}

case ${1:-} in
start | stop) "$1" ;;
*) die "usage: engine.sh start|stop" ;;
esac
