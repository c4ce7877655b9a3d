#!/system/bin/sh
# Runs on the phone; android/prepare.sh and android/restore.sh send it there.
#
#   sh on-phone.sh prepare SECONDS     records the phone's settings, changes them for measuring, restores them after SECONDS at the latest
#   sh on-phone.sh restore             restores the recorded settings
#
# Everything is optional: a setting that the phone does not have, or does not allow to change, is named and left alone.

note=/data/local/tmp/blocktime-note
say() { echo "phone: $*"; }

# The settings that are changed: namespace, name, value for measuring. Awake on power; a dim screen that stays so; no saving of power.
settings_wanted='global stay_on_while_plugged_in 7
system screen_brightness_mode 0
system screen_brightness 1
global low_power 0'

prepare() {
    if [ -e $note ]; then
        say "already prepared; run android/restore.sh first"
        return 0
    fi
    rm -f $note.new
    : >$note.new || return 1
    # Record everything first, then change it: a phone that dies in between can still be restored.
    if command -v settings >/dev/null; then
        echo "$settings_wanted" | while read -r space name value; do
            echo "setting $space $name $(settings get "$space" "$name" </dev/null)"
        done >>$note.new
    else
        say "no program 'settings' on this phone; screen and power saving are not changed"
    fi
    for file in /sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor; do
        if [ -w "$file" ]; then echo "governor $file $(cat "$file")"; fi
    done >>$note.new
    if command -v dumpsys >/dev/null; then echo "doze" >>$note.new; fi
    mv $note.new $note || return 1

    while read -r kind first second _; do
        case $kind in
            setting)
                value=$(echo "$settings_wanted" | while read -r s n v; do if [ "$s $n" = "$first $second" ]; then echo "$v"; fi; done)
                settings put "$first" "$second" "$value" </dev/null || say "cannot change $second"
                ;;
            governor) echo performance >"$first" 2>/dev/null || say "cannot change $first" ;;
            doze) dumpsys deviceidle disable </dev/null >/dev/null 2>&1 || say "cannot switch off doze" ;;
        esac
    done <$note
    if grep -q '^governor' $note; then say "governor: performance"; else say "no root: the frequency governor is not changed; the reference kernel (canary) shows the true clock"; fi

    # The phone is restored, whatever happens to the computer or the cable.
    detach='nohup'
    if command -v setsid >/dev/null; then detach='setsid'; fi
    $detach sh -c "sleep $1; sh '$0' restore" </dev/null >/dev/null 2>&1 &
    echo "watchdog $!" >>$note
    say "prepared; restores itself in $1 s at the latest"
}

restore() {
    if [ ! -e $note ]; then
        say "nothing to restore"
        return 0
    fi
    watchdog=
    while read -r kind first second value; do
        case $kind in
            setting)
                if [ -z "$value" ] || [ "$value" = null ]; then
                    settings delete "$first" "$second" </dev/null >/dev/null
                else
                    settings put "$first" "$second" "$value" </dev/null
                fi
                ;;
            governor) echo "$second" >"$first" || say "cannot restore $first to $second; restart the phone" ;;
            doze) dumpsys deviceidle enable </dev/null >/dev/null 2>&1 ;;
            watchdog) watchdog=$first ;;
        esac
    done <$note
    rm -f $note
    say "restored"
    # Last: it may be this very process's parent.
    if [ -n "$watchdog" ]; then
        for process in /proc/[0-9]*; do
            # Its sleep, then itself; the number may be another program's by now.
            if grep -q "^PPid:[[:space:]]*$watchdog\$" "$process/status" 2>/dev/null && [ "$process" != /proc/$$ ]; then
                kill "${process#/proc/}"
            fi
        done 2>/dev/null
        if [ -r "/proc/$watchdog/cmdline" ] && tr '\0' ' ' <"/proc/$watchdog/cmdline" | grep -q on-phone.sh; then kill "$watchdog"; fi
    fi
}

case $1 in
    prepare) prepare "${2:-7200}" ;;
    restore) restore ;;
    *) say "usage: prepare SECONDS | restore" && exit 2 ;;
esac
