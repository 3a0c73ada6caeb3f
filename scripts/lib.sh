# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What ./reproduce and ./run-tests share: messages, missing packages, build directories, signals.
# The script that reads this file has set `root`, the checkout, and `program`, its own name.
: "${root:?}" "${program:?}"

say() { printf '%s\n' "$*"; }

# die STATUS LINE: end with a line that names the program
die() {
    printf '%s: %s\n' "$program" "$2" >&2
    exit "$1"
}

# valued OPTION [VALUE...]: is there one?
valued() { [[ -n ${2:-} ]] || die 2 "option $1 needs a value; see --help"; }

# count OPTION TEXT: is it a whole number from 1 to 10000?
count() {
    [[ $2 =~ ^[1-9][0-9]{0,3}$ || $2 == 10000 ]] ||
        die 2 "$1 '$2': expected an integer from 1 to 10000"
}

# joined WORD...: with commas between
joined() {
    local text
    printf -v text '%s, ' "$@"
    printf '%s' "${text%, }"
}

# nearest WORD NAME...: " (did you mean 'NAME'?)" for the name that a slip of the hand makes this word
nearest() {
    printf '%s\n' "$@" | awk '
        function least(a, b) { return a < b ? a : b }
        function edits(a, b, i, j, d) {
            for (j = 0; j <= length(b); j++) d[0, j] = j
            for (i = 1; i <= length(a); i++) {
                d[i, 0] = i
                for (j = 1; j <= length(b); j++)
                    d[i, j] = least(least(d[i - 1, j], d[i, j - 1]) + 1,
                        d[i - 1, j - 1] + (substr(a, i, 1) != substr(b, j, 1)))
            }
            return d[length(a), length(b)]
        }
        NR == 1 { word = $0; best = int((length(word) + 1) / 3) + 1; next }
        { n = edits(word, $0); if (n < best) { best = n; found = $0 } }
        END { if (found != "") printf " (did you mean \047%s\047?)", found }'
}

cores() { nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1; }

# ---- packages --------------------------------------------------------------------------------

has() {
    case $1 in
    program) command -v "$2" >/dev/null 2>&1 ;;
    module) command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "$2" ;;
    header) printf '#include <%s>\n' "$2" | gcc -E -x c - >/dev/null 2>&1 ;;
    *) die 1 "scripts/packages: found kind '$1', expected program, module or header" ;;
    esac
}

# missing GROUP...: the Debian packages of these groups whose contents are not found here
missing() {
    local group kind name package
    while read -r group kind name package; do
        [[ $group == '#'* || -z $group || " $* " != *" $group "* ]] && continue
        has "$kind" "$name" || printf '%s ' "$package"
    done <"$root/scripts/packages"
}

# need INSTALL GROUP...: see that everything is there; INSTALL is yes or no
need() {
    local install=$1 absent become=()
    shift
    absent=$(missing "$@")
    absent=${absent% }
    [[ -z $absent ]] && return
    command -v apt-get >/dev/null 2>&1 ||
        die 2 "needs what the Debian packages $absent bring, and there is no apt-get here: install their like by hand, then call again"
    [[ $install == yes ]] ||
        die 2 "needs the Debian packages $absent, and --no-install was given: apt-get install $absent"
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null 2>&1 ||
            die 2 "needs the Debian packages $absent, and is neither root nor finds sudo: run apt-get install $absent as root, then call again"
        become=(sudo)
    fi
    say "$program: installing $absent"
    local apt=("${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
    # an update may fail for one source of many; what matters is whether the packages then come
    "${apt[@]}" update || say "$program: apt-get update failed; trying with the lists that are here"
    # shellcheck disable=SC2086 # one word a package
    "${apt[@]}" install -y --no-install-recommends $absent ||
        die 1 "apt-get install $absent failed"
    hash -r
    absent=$(missing "$@")
    [[ -z $absent ]] || die 1 "apt-get succeeded, but what ${absent% } should bring is still not found"
}

# ---- signals ---------------------------------------------------------------------------------

stop=''
trap 'stop=INT' INT
trap 'stop=TERM' TERM HUP

# gone PID SECONDS: has it ended, or does it within this time?
gone() {
    local i
    for ((i = 0; i < 10 * $2; i++)); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    return 1
}

# A signal that came here has reached the command as well if it came from a terminal, or from whoever
# ends a process group; and a second one of the same kind would end jebm-gmm without a checkpoint. So
# the command gets time first, then a signal of another kind.
hand_on() {
    gone "$1" 2 && return
    if [[ $stop == TERM ]]; then
        kill -INT "$1" 2>/dev/null
        gone "$1" 5 && return
    fi
    kill -TERM "$1" 2>/dev/null
}

# Run a command and return its status; 130 or 143 if a signal came.
supervise() {
    local child status=0 handed=no
    if [[ -z $stop ]]; then
        # a shell starts what runs beside it with SIGINT ignored; not here
        (
            trap - INT
            exec "$@"
        ) &
        child=$!
        while :; do
            wait "$child"
            status=$?
            kill -0 "$child" 2>/dev/null || break
            if [[ -n $stop && $handed == no ]]; then
                handed=yes
                hand_on "$child"
            fi
        done
    fi
    case $stop in
    INT) return 130 ;;
    TERM) return 143 ;;
    esac
    return "$status"
}

# ---- building --------------------------------------------------------------------------------

# configure DIR OPTION...: a build directory below the checkout with these options. One that was set
# up otherwise, elsewhere (a checkout that moved) or only by half is made anew.
configure() {
    local directory=$root/$1 stamp
    shift
    stamp=$(printf '%s\n' "$root" "${CC:-}" "${CFLAGS:-}" "${LDFLAGS:-}" "$@")
    if [[ -f $directory/build.ninja && -f $directory/.set-up-by && $(<"$directory/.set-up-by") == "$stamp" ]] &&
        ninja -C "$directory" build.ninja >/dev/null 2>&1; then
        return 0
    fi
    if [[ -e $directory && -z $stop ]]; then
        if [[ ! -e $directory/meson-private && ! -e $directory/build.ninja && -n $(ls -A "$directory") ]]; then
            say "$program: $directory: exists, but is no build directory: move it away" >&2
            return 1
        fi
        say "$program: $directory is set up anew"
        rm -rf "$directory" || return 1
    fi
    supervise meson setup "$directory" "$root" "$@" || return
    printf '%s\n' "$stamp" >"$directory/.set-up-by"
}
