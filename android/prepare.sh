#!/usr/bin/env bash
# Prepares a phone for measuring: screen on and dim, no doze; with root, the frequency governor at full speed. It records what it changes. The phone
# restores itself after the given hours, whatever happens to the cable; android/restore.sh restores it now.
#
#   android/prepare.sh [--serial SERIAL] [--hours N]          (default: the only phone attached, 2 hours)
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
serial=() hours=2
while [ $# -gt 0 ]; do
    case $1 in
        --serial) serial=(-s "${2:?a serial number is needed}") && shift 2 ;;
        --hours) hours=${2:?a number is needed} && shift 2 ;;
        *) echo "unknown option '$1'; see the first lines of $0" >&2 && exit 2 ;;
    esac
done
[[ $hours =~ ^[0-9]+$ ]] && [ "$hours" -gt 0 ] || {
    echo "--hours needs a whole number above 0" >&2
    exit 2
}
command -v adb >/dev/null || {
    echo "adb is missing. On Debian and Ubuntu: apt install adb" >&2
    exit 2
}

there=/data/local/tmp/blocktime-on-phone.sh
adb "${serial[@]}" push "$folder/on-phone.sh" $there >/dev/null
# Where the phone allows it, its daemon already runs as root (`adb root`); else `su` where there is one; else as the shell's user.
if [ "$(adb "${serial[@]}" shell id -u </dev/null | tr -d '\r')" != 0 ] && adb "${serial[@]}" shell 'su -c true' </dev/null >/dev/null 2>&1; then
    adb "${serial[@]}" shell "su -c 'sh $there prepare $((hours * 3600))'" </dev/null
else
    adb "${serial[@]}" shell "sh $there prepare $((hours * 3600))" </dev/null
fi
