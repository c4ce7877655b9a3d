#!/usr/bin/env bash
# Restores the settings that android/prepare.sh changed.
#
#   android/restore.sh [--serial SERIAL]          (default: the only phone attached)
set -euo pipefail

serial=()
while [ $# -gt 0 ]; do
    case $1 in
        --serial) serial=(-s "${2:?a serial number is needed}") && shift 2 ;;
        *) echo "unknown option '$1'; see the first lines of $0" >&2 && exit 2 ;;
    esac
done
command -v adb >/dev/null || {
    echo "adb is missing. On Debian and Ubuntu: apt install adb" >&2
    exit 2
}

there=/data/local/tmp/blocktime-on-phone.sh
if ! adb "${serial[@]}" shell "test -f $there" </dev/null; then
    echo "phone: nothing to restore"
    exit 0
fi
if [ "$(adb "${serial[@]}" shell id -u </dev/null | tr -d '\r')" != 0 ] && adb "${serial[@]}" shell 'su -c true' </dev/null >/dev/null 2>&1; then
    adb "${serial[@]}" shell "su -c 'sh $there restore'" </dev/null
else
    adb "${serial[@]}" shell "sh $there restore" </dev/null
fi
adb "${serial[@]}" shell "rm -f $there" </dev/null
