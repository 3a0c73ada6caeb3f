# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of the programs of jebm for bash: what they say by --help, --list and --describe, so there
# is no list to keep.
_jebm() {
    local program=$1 word=$2 before=$3 figure='' i words
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} != -* && ${COMP_WORDS[i - 1]} != --?* ]] && figure=${COMP_WORDS[i]}
    done
    case $before in
    --out | --data | --merge | --results)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --claims | --baseline | --json | --markdown | --brief | --junit)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --scale) words=$("$program" --list 2>/dev/null | awk '{ gsub(",", " ", $2); print $2 }') ;;
    --fidelity) words=$("$program" --list 2>/dev/null | awk '{ gsub(",", " ", $3); print $3 }') ;;
    --set | --describe)
        words=$("$program" "${figure:-?}" --describe 2>/dev/null | sed -n 's/^\([a-z_0-9]*\) = .*/\1/p')
        # shellcheck disable=SC2086 # a word each
        [[ $before == --set ]] && words=$(printf '%s=\n' $words) && compopt -o nospace
        ;;
    *)
        if [[ $word == -* ]]; then
            words=$("$program" --help 2>/dev/null | grep -o -- '--[a-z][a-z-]*')
        elif [[ -z $figure ]]; then
            words=$("$program" --list 2>/dev/null | awk '{ print $1 }')
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word" | sort -u)
}
complete -F _jebm jebm-gmm jebm-resampling jebm-schemes jebm-mnist jebm-overhead jebm-check jebm-report
