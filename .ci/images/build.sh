#!/usr/bin/env bash
# Builds stand-ins for the images of docker-compose.yml, for machines that reach no container registry: Debian from its
# package mirror, Apache Kafka and ZooKeeper from Maven Central, MariaDB from Debian. They bear names of their own, never
# the official ones, and are built again only when their files here have changed.
#
# Needs a Docker engine (../engine.sh start), and installs Maven where apt and root are there. Prints the variables that
# put the stand-ins into docker-compose.yml; everything else goes to stderr.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
prefix=kafkahandson-ci
kafka_version=3.9.2 # what Confluent Platform 7.9 carries, and the last line with ZooKeeper

say() { echo "images: $*" >&2; }

# The content hash is the tag that decides whether there is anything to do. The plain tag is for people.
#   image NAME PLAIN-TAG CONTENT-HASH BUILD-FUNCTION
image() {
  local name=$prefix/$1 plain=$2 hash=$3 build=$4
  if ! docker image inspect "$name:$hash" >/dev/null 2>&1; then
    local since=$SECONDS
    say "building $name:$plain"
    "$build" "$name:$hash"
    say "built $name:$plain in $((SECONDS - since)) s"
  fi
  docker tag "$name:$hash" "$name:$plain"
}

# Hashes its arguments and the files of a folder: hash_of FOLDER WORDS...
hash_of() {
  local folder=$1
  shift
  { echo "$*"; cd "$here/$folder" && find . -type f | LC_ALL=C sort | xargs sha256sum; } | sha256sum | cut -c1-12
}

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT

base_packages=netcat-openbsd
base() {
  command -v mmdebstrap >/dev/null || { say "install mmdebstrap first (Debian's package of that name)"; return 1; }
  "$here/../debian-sources.sh" |
    mmdebstrap --quiet --variant=minbase --mode=root --include="$base_packages" bookworm - - |
    docker import --change 'CMD ["bash"]' - "$1" >/dev/null
}

# Maven runs on any Java; Debian's package does not bring one.
maven() {
  if command -v mvn >/dev/null && command -v java >/dev/null; then return; fi
  say "installing Maven"
  { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || { say "install mvn and a JDK first"; return 1; }
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
    maven openjdk-17-jre-headless >&2
}

kafka() {
  maven
  cp -r "$here/kafka" "$context/kafka"
  mvn --quiet --batch-mode --file "$here/kafka/pom.xml" -Dkafka.version="$kafka_version" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$context/kafka/jars" >&2
  docker build --quiet --build-arg BASE="$prefix/base:$base_hash" --tag "$1" "$context/kafka" >/dev/null
}

mysql() {
  docker build --quiet --build-arg BASE="$prefix/base:$base_hash" --tag "$1" "$here/mysql" >/dev/null
}

base_hash=$(echo "bookworm minbase $base_packages" | sha256sum | cut -c1-12)
mariadb='mariadb-10.11' # bookworm's
image base bookworm "$base_hash" base
image kafka "$kafka_version" "$(hash_of kafka "$base_hash" "$kafka_version")" kafka
image mysql "$mariadb" "$(hash_of mysql "$base_hash")" mysql

echo "ZOOKEEPER_IMAGE=$prefix/kafka:$kafka_version"
echo "KAFKA_IMAGE=$prefix/kafka:$kafka_version"
echo "MYSQL_IMAGE=$prefix/mysql:$mariadb"
