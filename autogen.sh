#!/bin/sh
# Makes configure from configure.ac; needed once after a git clone, not from a release tarball.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all,no-portability
