#!/usr/bin/env bash
# A phone for tests: Android's own debug daemon on an emulated Cortex-A53, in namespaces of its own, no port open anywhere.
# Or a board: the ssh server on a port of the loopback interface.
#
#   tests/device/fake-phone.sh [--ssh | --two] [--sys FOLDER] [--data-size SIZE]
#
#   --two              two phones of one model, with /data and a serial number of their own each
#   --sys FOLDER       what the phone shows as /sys, /proc/device-tree (FOLDER/sys, FOLDER/proc/device-tree) and, from
#                      FOLDER/build.prop, as properties; without, it has no /sys
#   --data-size SIZE   size of /data (of a board: of all it has; default 256m), so that a full disk can be had
#
# Prints, once the phone can be reached,
#
#   ready SERIAL[,SERIAL] ADB_SERVER_SOCKET        or      ready ssh://USER@HOST:PORT HOME
#
# `ADB_SERVER_SOCKET=… adb -s SERIAL shell` is then a shell on it; a board accepts the keys in HOME/.ssh. It runs until its standard input ends, so it never outlives
# the process that started it. Lines on standard input: `unplug` kills the daemon (answer `unplugged`), `plug` starts it again (`plugged`),
# `reboot` does both and empties /data/local/tmp (`rebooted`).
#
# The phone has no C library: what is pushed brings its own loader, as it must on Android. It has a static busybox as
# /system/bin/sh, getprop and settings, /data/local/tmp, /proc. Needs scripts/setup-aarch64.sh; and root only on kernels before 6.7, which
# have one list of emulated formats for all (the entry is taken out again at the end).
set -euo pipefail

say() { echo "fake-phone: $*" >&2; }
die() {
    say "$*"
    exit 2
}

cache=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}
parts=${BLOCKTIME_AARCH64:-$cache/aarch64}
port=6555
formats=/proc/sys/fs/binfmt_misc

# Outside: checks, makes the work folder, goes into the namespaces.
if [ "${1:-}" != --inside ]; then
    kind=adb sys='' size=256m phones=1
    while [ $# -gt 0 ]; do
        case $1 in
            --ssh) kind=ssh && shift ;;
            --two) phones=2 && shift ;;
            --sys) sys=$(realpath "${2:?a folder is needed}") && shift 2 ;;
            --data-size) size=${2:?a size is needed} && shift 2 ;;
            *) die "unknown option '$1'; see the first lines of this script" ;;
        esac
    done
    for part in qemu/usr/bin/qemu-aarch64 adbd/usr/lib/android-sdk/platform-tools/adbd phone/usr/bin/busybox; do
        [ -e "$parts/$part" ] || die "$parts/$part is missing; scripts/setup-aarch64.sh brings it"
    done
    if [ $kind = adb ]; then
        command -v adb >/dev/null || die "adb is missing; scripts/setup-aarch64.sh installs it"
    else
        [ -x /usr/sbin/sshd ] || die "sshd is missing; scripts/setup-aarch64.sh installs it"
        [ "$(id -u)" -eq 0 ] || die "an ssh server that changes users needs root"
    fi

    work=$(mktemp -d "${TMPDIR:-/tmp}/blocktime-phone.XXXXXX")
    holder=
    cleanup() {
        if [ -e "$formats/${work##*/}" ]; then echo -1 >"$formats/${work##*/}"; fi
        if [ -n "$holder" ]; then kill -9 "$holder" 2>/dev/null || true; fi
        rm -rf "$work"
    }
    trap cleanup EXIT
    trap 'exit 143' INT TERM HUP

    # Where the kernel has a list of formats for each user namespace, no other process sees the entry.
    enter=() spaces=(--mount --pid --fork --kill-child)
    if unshare --user --map-root-user --mount --pid --fork mount -t binfmt_misc none "$formats" 2>/dev/null; then
        if [ $kind = adb ]; then
            spaces=(--user --map-root-user --net "${spaces[@]}")
        else
            # All users, since the server runs parts of itself as others; such a map is written from outside.
            unshare --user sleep infinity &
            holder=$!
            disown $holder
            until [ "$(readlink /proc/$holder/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
            echo '0 0 65536' >/proc/$holder/uid_map
            echo '0 0 65536' >/proc/$holder/gid_map
            enter=(nsenter --user --target "$holder" --setuid 0 --setgid 0)
        fi
    elif [ "$(id -u)" -ne 0 ]; then
        die "this kernel lets only root register an emulator"
    elif [ $kind = adb ]; then
        spaces=(--net "${spaces[@]}")
    fi
    # A phone has its processors for itself; on a busy machine, measuring would find no quiet moment. Two phones would leave
    # nothing of a small machine to anyone else.
    if [ $phones = 1 ] && chrt --rr 1 true 2>/dev/null; then enter=(chrt --rr 1 "${enter[@]}"); fi
    status=0
    "${enter[@]}" unshare "${spaces[@]}" "$0" --inside "$parts" "$work" "$size" "$sys" $kind $phones <&0 &
    child=$!
    trap 'kill -9 $child 2>/dev/null; exit 143' INT TERM HUP
    wait $child || status=$?
    exit $status
fi

# Inside: this is the first process of the phone's own process list; all others end with it.
parts=$2 work=$3 size=$4 sys=$5 kind=$6 phones=$7
name=${work##*/}
root=$work/root

mount --make-rprivate /
mount -t proc proc /proc
if [ "$kind" = adb ]; then
    ip link set lo up
else
    # The ssh server wants a chroot below folders that only root can write to.
    mount -t tmpfs -o mode=755 run /run
    mkdir /run/sshd
    root=/run/phone
fi

if ! [ -e $formats/register ]; then mount -t binfmt_misc none $formats; fi
# ELF, 64 bits, little-endian, program or shared object, AArch64. F: the emulator is opened now and works in the chroot too;
# P: programs keep their first argument, by which busybox knows what it is.
magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
echo ":$name:M::$magic:$mask:$parts/qemu/usr/bin/qemu-aarch64:POCF" >$formats/register

mkdir "$root"
mount -t tmpfs -o "size=$([ "$kind" = adb ] && echo 64m || echo "$size"),mode=755" phone "$root"
mkdir -p "$root"/{system/bin,data,proc,dev/pts,adbd,etc}
mount -t tmpfs -o "size=$size,mode=755" data "$root/data"
mkdir -p "$root/data/local/tmp"
mount -t proc proc "$root/proc"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
for device in null zero urandom random tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount --bind "$parts/adbd" "$root/adbd"

cp "$parts/phone/usr/bin/busybox" "$root/system/bin/busybox"
"$parts/qemu/usr/bin/qemu-aarch64" "$root/system/bin/busybox" --list | while read -r applet; do
    [ "$applet" = busybox ] || ln -s busybox "$root/system/bin/$applet"
done
ln -s system/bin "$root/bin"
if [ "$kind" = adb ]; then
    cat >"$root/system/bin/getprop" <<'SH'
#!/system/bin/sh
if [ $# -eq 0 ]; then sed 's/^\([^=]*\)=\(.*\)$/[\1]: [\2]/' /system/build.prop /data/own.prop; else sed -n "s/^$1=//p" /system/build.prop /data/own.prop; fi
SH
    cat >"$root/system/bin/settings" <<'SH'
#!/system/bin/sh
f=/data/setting.$2.$3
case $1 in
    get) cat "$f" 2>/dev/null || echo null ;;
    put) echo "$4" >"$f" ;;
    delete) rm -f "$f" ;;
esac
SH
    chmod 755 "$root/system/bin/getprop" "$root/system/bin/settings"
    echo ro.serialno=FAKE0001 >"$root/data/own.prop"
    cat >"$root/system/build.prop" <<'PROPERTIES'
ro.product.manufacturer=blocktime
ro.product.model=Fake Phone
ro.board.platform=msm8953
ro.product.cpu.abi=arm64-v8a
ro.build.version.sdk=28
PROPERTIES
else
    # Root's shell, as this machine's list of users names it.
    shell=$(getent passwd root | cut -d: -f7)
    mkdir -p "$root/${shell%/*}" "$root/root"
    [ -e "$root/$shell" ] || printf '#!/system/bin/sh\nexec /system/bin/sh "$@"\n' >"$root/$shell"
    chmod 755 "$root/$shell"
fi
if [ -n "$sys" ]; then
    if [ -d "$sys/sys" ]; then cp -a "$sys/sys" "$root/sys"; fi
    if [ "$kind" = adb ] && [ -f "$sys/build.prop" ]; then cp "$sys/build.prop" "$root/system/build.prop"; fi
fi

# The second phone is the first one's system with other data.
roots=("$root")
if [ "$phones" = 2 ]; then
    mkdir "$work/root2"
    mount --rbind "$root" "$work/root2"
    umount "$work/root2/data"
    mount -t tmpfs -o "size=$size,mode=755" data "$work/root2/data"
    mkdir -p "$work/root2/data/local/tmp"
    echo ro.serialno=FAKE0002 >"$work/root2/data/own.prop"
    roots+=("$work/root2")
fi

daemons=()
start_sshd() {
    # Another try takes another port: this one may be in use.
    local try
    for try in $(seq 20); do
        if [ -z "${port_found:-}" ]; then port=$((20000 + (RANDOM + try) % 20000)); fi
        sed -i "s/^Port .*/Port $port/" "$work/sshd_config"
        /usr/sbin/sshd -D -e -f "$work/sshd_config" </dev/null >>"$work/sshd.log" 2>&1 &
        daemons=($!)
        disown "${daemons[0]}"
        for _ in $(seq 50); do
            if ssh-keyscan -T 2 -p $port 127.0.0.1 >"$work/keys" 2>/dev/null && [ -s "$work/keys" ]; then
                port_found=1
                return 0
            fi
            kill -0 "${daemons[0]}" 2>/dev/null || break
            sleep 0.05
        done
    done
    say "the ssh server does not start; it says:"
    tail -n 5 "$work/sshd.log" >&2
    return 1
}

start_daemon() {
    if [ "$kind" = ssh ]; then
        start_sshd
        return
    fi
    daemons=()
    local i
    for i in "${!roots[@]}"; do
        # Its own loader and libraries: they are newer than the machine's. Ports in steps of two: the one above belongs to it too.
        # Two phones do not share a processor, where there are two.
        local own=()
        if [ ${#roots[@]} -gt 1 ]; then own=(taskset -c "$((($(nproc) - 1 - i) % $(nproc)))"); fi
        "${own[@]}" env -i PATH=/system/bin HOME=/ TMPDIR=/data/local/tmp ANDROID_DATA=/data QEMU_CPU=cortex-a53 ADBD_PORT=$((port + 2 * i)) \
            "$(command -v chroot)" "${roots[i]}" /adbd/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 \
            --library-path /adbd/usr/lib/x86_64-linux-gnu/android:/adbd/usr/lib/x86_64-linux-gnu \
            /adbd/usr/lib/android-sdk/platform-tools/adbd </dev/null >>"$work/adbd.log" 2>&1 &
        daemons+=($!)
        disown $!
    done
}

# Kills the daemon and everything that it started.
stop_daemon() {
    local pid
    for pid in $(ps -e -o pid= | tr -d ' '); do
        case $(readlink "/proc/$pid/root" 2>/dev/null) in "$root" | "$work/root2") kill -9 "$pid" 2>/dev/null || true ;; esac
        case $(readlink "/proc/$pid/exe" 2>/dev/null) in /usr/sbin/sshd) kill -9 "$pid" 2>/dev/null || true ;; esac
    done
    local daemon
    for daemon in "${daemons[@]}"; do
        while kill -0 "$daemon" 2>/dev/null; do sleep 0.02; done
    done
}

export ADB_SERVER_SOCKET=localfilesystem:$work/adb.sock
serials=()
for i in "${!roots[@]}"; do serials+=("127.0.0.1:$((port + 2 * i))"); done
connect() {
    [ "$kind" = adb ] || return 0
    local serial
    for serial in "${serials[@]}"; do connect_one "$serial"; done
}
connect_one() {
    local serial=$1 try
    adb disconnect "$serial" >/dev/null 2>&1 || true
    for try in $(seq 100); do
        case $(adb connect "$serial" 2>&1) in
            *connected*) if [ "$(timeout 5 adb -s "$serial" shell echo up 2>/dev/null | tr -d '\r')" = up ]; then return 0; fi ;;
        esac
        sleep 0.1
    done
    say "the phone does not answer after ${try} tries; adbd says:"
    tail -n 5 "$work/adbd.log" >&2
    return 1
}

if [ "$kind" = adb ]; then
    start_daemon
    HOME=$work adb -L "$ADB_SERVER_SOCKET" server nodaemon </dev/null >"$work/adb.log" 2>&1 &
    for _ in $(seq 100); do
        if [ -S "$work/adb.sock" ]; then break; fi
        sleep 0.05
    done
    connect
    echo "ready $(IFS=, && echo "${serials[*]}") $ADB_SERVER_SOCKET"
else
    mkdir "$work/.ssh"
    ssh-keygen -q -t ed25519 -N '' -C host -f "$work/host_key"
    ssh-keygen -q -t ed25519 -N '' -C blocktime -f "$work/.ssh/id_ed25519"
    cat >"$work/sshd_config" <<CONF
Port 0
ListenAddress 127.0.0.1
HostKey $work/host_key
AuthorizedKeysFile $work/.ssh/id_ed25519.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
PrintMotd no
ChrootDirectory $root
SetEnv QEMU_CPU=cortex-a53
CONF
    start_daemon
    cp "$work/keys" "$work/.ssh/known_hosts"
    echo "ready ssh://root@127.0.0.1:$port $work"
fi

while read -r command; do
    case $command in
        unplug) stop_daemon && echo unplugged ;;
        plug) start_daemon && connect && echo plugged ;;
        reboot)
            stop_daemon
            rm -rf "$root/data/local/tmp"
            mkdir -p "$root/data/local/tmp"
            start_daemon && connect && echo rebooted
            ;;
        *) say "unknown command '$command'" ;;
    esac
done
