# For scripts (`. scripts/private-apt.sh`) that unpack Debian's packages into a folder of their own. The machine's apt fetches them, by a
# private configuration: it verifies signatures and hashes, and no architecture and no source is added to the system. The script has
# `say`, `die` and `root`, the folder that is filled, already.
#
# On Debian the packages come from the machine's own sources, with its release's name replaced by the one that is asked for. Elsewhere,
# or to take another mirror:
#
#   BLOCKTIME_DEBIAN_MIRROR='ADDRESS [ADDRESS]'   a mirror of Debian's archive and, if needed, one of its security archive
#   BLOCKTIME_OS_RELEASE=FILE                     another file than /etc/os-release, to see what happens on another distribution
# shellcheck shell=bash disable=SC2034,SC2154

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi

# `distribution` is debian, ubuntu (or what is made of it) or other; `codename` is Debian's release, elsewhere nothing.
os_release=${BLOCKTIME_OS_RELEASE:-/etc/os-release}
distribution=other codename='' system='an unknown system'
if [ -r "$os_release" ]; then
    {
        read -r distribution
        read -r codename
        read -r system
    } < <(
        unset ID ID_LIKE VERSION_CODENAME PRETTY_NAME
        # shellcheck disable=SC1090
        . "$os_release"
        case " ${ID:-} ${ID_LIKE:-} " in
            ' debian '*) printf 'debian\n%s\n' "${VERSION_CODENAME:-}" ;;
            *' ubuntu '*) printf 'ubuntu\n\n' ;;
            *) printf 'other\n\n' ;;
        esac
        echo "${PRETTY_NAME:-${ID:-an unknown system}}"
    )
fi

# Whether Debian's packages can be had at all.
has_debian() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && { [ -n "$codename" ] || [ -n "${BLOCKTIME_DEBIAN_MIRROR:-}" ]; }
}

# What to do where they cannot.
no_debian="name a mirror of Debian's archive: BLOCKTIME_DEBIAN_MIRROR='ADDRESS' ${BLOCKTIME_SETUP:-$0}"

# Debian's keys, by which apt verifies what comes; prints their file.
debian_keys() {
    local file
    for file in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        if [ -e "$file" ]; then
            echo "$file"
            return 0
        fi
    done
    return 1
}

# Prints apt's sources for a release.
debian_sources() {
    local keys uri release component archive security
    keys=$(debian_keys) || die "Debian's keys are missing: install debian-archive-keyring"
    if [ -n "${BLOCKTIME_DEBIAN_MIRROR:-}" ]; then
        read -r archive security <<<"$BLOCKTIME_DEBIAN_MIRROR"
        echo "deb [signed-by=$keys] $archive $1 main"
        echo "deb [signed-by=$keys] $archive $1-updates main"
        [ -z "$security" ] || echo "deb [signed-by=$keys] $security $1-security main"
        return
    fi
    apt-get indextargets --format "\$(REPO_URI) \$(CODENAME) \$(COMPONENT)" "Created-By: Packages" "Origin: Debian" | sort -u |
        while read -r uri release component; do
            case $release in
                "$codename" | "$codename"-updates | "$codename"-security)
                    echo "deb [signed-by=$keys] $uri $1${release#"$codename"} $component"
                    ;;
            esac
        done
}

# Whether the release in use has a package.
has_package() { [ -n "$(apt-cache "${apt[@]}" show "$1" 2>/dev/null)" ]; }

# Makes the private configuration for a release, once per run; `apt` is then the option that selects it.
declare -A ready=()
use_release() {
    local private=$root/apt/$1 without tried=
    apt=(-c "$private/apt.conf")
    [ -z "${ready[$1]:-}" ] || return 0
    if ! debian_keys >/dev/null; then
        say "installing with apt-get: debian-archive-keyring"
        "${as_root[@]}" apt-get update -qq >&2
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debian-archive-keyring >&2 ||
            die "apt-get could not install Debian's keys"
    fi
    rm -rf "$private"
    mkdir -p "$private"/{sources.list.d,preferences.d,state/lists/partial,cache/archives/partial}
    : >"$private/status"
    debian_sources "$1" >"$private/all"
    if [ ! -s "$private/all" ]; then
        # Sources whose lists were never read, or were cleaned away, do not show.
        say "reading this machine's package lists"
        "${as_root[@]}" apt-get update -qq >&2
        debian_sources "$1" >"$private/all"
    fi
    [ -s "$private/all" ] || die "this machine's apt has no sources of Debian $codename; see 'apt-get indextargets'"
    # Proxies and credentials of the machine's own configuration stay in force: only folders and architectures change, and what else
    # the machine does after an update is left.
    cat >"$private/apt.conf" <<CONF
Dir::Etc::sourcelist "$private/sources.list";
Dir::Etc::sourceparts "$private/sources.list.d";
Dir::Etc::preferences "$private/preferences";
Dir::Etc::preferencesparts "$private/preferences.d";
Dir::State "$private/state";
Dir::State::status "$private/status";
Dir::Cache "$private/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
    # An old release has lost its updates, a young one has none yet.
    for without in '' updates security 'updates|security'; do
        grep -vE " $1-(${without:-none}) " "$private/all" >"$private/sources.list" || continue
        [ "$(cat "$private/sources.list")" != "$tried" ] || continue
        tried=$(cat "$private/sources.list")
        say "reading the package lists of $1${without:+, without ${without/|/ and },} for amd64 and arm64, in a private configuration"
        if apt-get "${apt[@]}" -qq update >&2; then
            # Where nothing answers, apt only warns.
            if ! has_package libc6; then break; fi
            ready[$1]=1
            return 0
        fi
    done
    die "the package lists of $1 cannot be read"
}

# A package and all that it needs at run time.
with_needed() {
    apt-cache "${apt[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$1" |
        grep -E '^[a-z0-9]' | grep -vE ':(i386|any)$' | sort -u
}

# fetch WORK PACKAGE…: downloads and unpacks into WORK/tree; WORK/hashes has a line for each package.
fetch() {
    local work=$1 deb
    shift
    mkdir "$work/deb" "$work/tree"
    (cd "$work/deb" && apt-get "${apt[@]}" -qq download "$@" >&2) || die "apt cannot fetch these packages"
    for deb in "$work"/deb/*.deb; do dpkg-deb -x "$deb" "$work/tree"; done
    (cd "$work/deb" && sha256sum ./*.deb) >"$work/hashes"
}
