#!/usr/bin/env bash
# The project's own docker-compose.yml for CI: ZooKeeper, the three brokers and MySQL. Needs an engine: engine.sh start.
#
#   stack.sh up              start them, come back when all are healthy
#   stack.sh down            stop and delete them, their data too
#   stack.sh logs [SERVICE]  what they have said
#   stack.sh env             print the variables with which `docker compose` and `lab` mean the same stack:
#                            eval "$(.ci/stack.sh env)"
#
# It is a project of its own on ports of its own: the stack of the person at this machine stays as it is, and so does its
# data.
#
# CI_IMAGES=real      the images of .env, from their registries
# CI_IMAGES=standin   images built here (images/build.sh), which need no registry
# Default: real where all of them are here or can be pulled, standin otherwise.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
services=(zookeeper kafka1 kafka2 kafka3 mysql)
variables=(COMPOSE_PROJECT_NAME=kafkahandson-ci
  ZOOKEEPER_PORT=12181 KAFKA1_PORT=19092 KAFKA2_PORT=19093 KAFKA3_PORT=19094 MYSQL_PORT=13306)
export "${variables[@]}"

say() { echo "stack: $*" >&2; }
die() { say "$*"; exit 1; }
compose() { docker compose --ansi never --project-directory "$here/.." "$@"; }

# A registry that is not reached answers at once or never; 10 s are enough to tell.
obtainable() {
  docker image inspect "$1" >/dev/null 2>&1 || timeout 10 docker manifest inspect "$1" >/dev/null 2>&1
}

# Prints real or standin.
choice() {
  case ${CI_IMAGES:-} in
  real | standin) echo "$CI_IMAGES" ;;
  '')
    local images image
    images=$(compose config --images "${services[@]}" | sort -u)
    for image in $images; do
      case $image in kafkahandson-ci/*) echo standin; return ;; esac # from an earlier stack.sh env
      obtainable "$image" || { echo standin; return; }
    done
    echo real
    ;;
  *) die "CI_IMAGES is real or standin, not $CI_IMAGES" ;;
  esac
}

env() {
  local images
  images=$(choice)
  printf 'export %s\n' "${variables[@]}"
  if [ "$images" = standin ]; then "$here/images/build.sh" | sed 's/^/export /'; fi
}

up() {
  local all
  all=$(env)
  eval "$all"
  if [[ ${KAFKA_IMAGE:-} == kafkahandson-ci/* ]]; then
    say "no registry for the images of .env: running on stand-ins
         proven:     the wiring of docker-compose.yml; Apache Kafka and ZooKeeper themselves, of the same release
         not proven: Confluent's and MySQL's own images; MySQL 8.4 (this is MariaDB); CMAK, Redpanda Console, kafka-ui,
                     Debezium and kcat, which are not started"
  fi
  if ! compose --progress quiet up --detach --wait --wait-timeout 300 "${services[@]}"; then
    compose ps --all >&2
    local sick
    mapfile -t sick < <(compose ps --all --format '{{.Service}} {{.Health}}' | awk '$2 != "healthy" { print $1 }')
    [ ${#sick[@]} = 0 ] || logs --tail 20 "${sick[@]}" >&2
    die "not all healthy: ${sick[*]}"
  fi
  say "healthy:"
  compose ps --format '  {{.Service}} {{.Image}} {{.Ports}}' >&2
}

down() { compose --profile '*' --progress quiet down --volumes --remove-orphans; }
logs() { compose logs "$@" | sed $'s/\e\\[2K//'; }

docker info >/dev/null 2>&1 || die "no Docker engine answers; .ci/engine.sh start starts one"
case ${1:-} in
up | down | logs | env) "$@" ;;
*) die "usage: stack.sh up|down|logs [SERVICE]|env" ;;
esac
