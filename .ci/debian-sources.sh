#!/usr/bin/env bash
# Prints where this machine's apt gets Debian bookworm from, in apt's one-line form, whatever form and files the machine
# itself uses. So no mirror is named in this repository.
set -euo pipefail

bookworm() {
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk '$3 ~ /^bookworm/' | sort -u
}

sources=$(bookworm)
if [ -z "$sources" ]; then # apt knows its targets only after the first update
  apt-get update -qq >&2
  sources=$(bookworm)
fi
if [ -z "$sources" ]; then
  echo "debian-sources: apt on this machine has no bookworm source" >&2
  exit 1
fi
echo "$sources"
