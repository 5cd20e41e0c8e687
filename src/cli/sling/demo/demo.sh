#!/bin/sh
# From eight beads to a landed release. Everything here can be typed by hand, in the shell that
# `sh enter.sh` opens; this script only types faster.
set -eu
demo=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ "${HOME-}" != "$demo/home" ]; then
    if [ -e "$demo/quill" ]; then
        echo "the demo ran here before; 'git sling demo DIR' starts a new one" >&2
        exit 3
    fi
    cp -R "$demo/project" "$demo/quill"
    exec sh "$demo/enter.sh" sh "$demo/demo.sh"
fi
for tool in bead sling convoy refinery; do
    command -v "git-$tool" >/dev/null && continue
    echo "git-$tool is missing: the demo needs all four commands on PATH" >&2
    exit 128
done

export GIT_PAGER=cat
bold='' plain=''
if [ -t 1 ] && [ "$TERM" != dumb ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

chapter() {
    printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# Shows a command, then runs it.
step() {
    printf '$ %s\n' "$*"
    "$@"
}

nap() {
    sleep 0.2 2>/dev/null || sleep 1
}

# What the ledger has been told since the last time we looked, without the smaller print.
told=0
news() {
    git bead log >"$demo/run/log"
    tail -n "+$((told + 1))" "$demo/run/log" |
        grep -v -e agent.hooked -e agent.started -e agent.unhooked -e refinery.intent |
        sed 's/^...........\(........\)...../\1/' || true
    told=$(wc -l <"$demo/run/log")
}

bead() { # TITLE [DEPENDS-ON]: writes one down, leaves its id in $id
    id=$(git bead create "$1" ${2:+--deps "$2"} --silent)
    printf '$ git bead create "%s"%s\n' "$1" "${2:+ --deps $2}"
}

# Who gets which task; any other division of the work would do.
agent_for() { # BEAD
    case $1 in
    "$example" | "$lower") echo ada ;;
    "$trim" | "$slug") echo ben ;;
    "$wrap" | "$quote") echo cleo ;;
    *) echo dan ;;
    esac
}

# The members of the convoy that nobody works on and that could go on now: ready ones, and those
# whose change was rejected.
open_tasks() {
    git convoy status --json "$convoy" | tr '{,' '\n\n' |
        awk -F'"' '$2 == "id" { id = $4 } $2 == "state" && $4 ~ /^(ready|rejected|stalled)$/ { print id }'
}

# Slings a task. Where its agent is still busy, the next round asks again.
turn() { # BEAD AGENT
    if git sling "$1" "$2" 2>"$demo/run/no"; then
        slung=$((slung + 1))
    else
        case $? in
        3 | 75) ;;
        *) cat "$demo/run/no" >&2; exit 1 ;;
        esac
    fi
    if [ "$slung" -gt 30 ]; then
        git convoy status "$convoy" >&2
        echo 'too much was slung again: this should not happen' >&2
        exit 1
    fi
}

chapter '1. A small project with a real test gate'
git init --quiet --initial-branch=main
git config user.name 'Robin Demo'
git config user.email robin@example.org
git add .
git commit --quiet --message 'quill: small text tools'
step git log --oneline
step cat shopfloor.toml
step git bead init --yes --prefix quill
step git bead trust --yes

chapter '2. Eight beads, and a convoy for them'
bead 'example: let the usage show one'; example=$id
bead 'where: let the usage say where the commands are'; where=$id
bead 'trim: cut blanks at both ends'; trim=$id
bead 'wrap: fold long lines between words'; wrap=$id
bead 'lower: small letters'; lower=$id
bead 'slug: a title for a URL' "$trim,$lower"; slug=$id
bead 'quote: as a letter quotes another' "$wrap"; quote=$id
bead 'release: version and changes' "$example,$where,$slug,$quote"; release=$id
set -- "$example" "$where" "$trim" "$wrap" "$lower" "$slug" "$quote" "$release"
convoy=$(git convoy create 'quill 1.0' "$@" --silent)
step git convoy status "$convoy"

chapter '3. Four agents at once; what stops is slung again'
cat <<'EOF'
Watch for: trim, which fails the test gate; where, which changes a line that is another by then;
and wrap, whose agent is killed half way, with one commit made and one file not even added.
EOF
news >"$demo/run/past"
trap 'git sling stop --all; exit 130' INT TERM
# The slow one first, so that it starts from the line as it was.
git sling "$where" dan
slung=1
until grep -q convoy.announced "$demo/run/log"; do
    for task in $(open_tasks); do
        turn "$task" "$(agent_for "$task")"
    done
    if [ "$slung" -ge 4 ] && ! [ -f "$demo/run/shown" ]; then
        step git sling ps
        touch "$demo/run/shown"
    fi
    if [ -f "$demo/run/wrap.pid" ]; then
        step kill -9 "$(cat "$demo/run/wrap.pid")"
        rm "$demo/run/wrap.pid"
    fi
    nap
    news
done

chapter '4. What became of it'
step git convoy status "$convoy"
step git sling mail
for entry in $(sed -n 's/.*main#\([0-9]*\) *refinery.rejected.*/\1/p' "$demo/run/log"); do
    step git refinery show "$entry"
done
step git log --first-parent --format='%h %s%n%w(0,8,8)%(trailers)' main
step git refinery audit
step sh tests/run.sh

chapter 'That was the demo'
cat <<EOF
The repository is $demo/quill. To look around, with the demo's own configuration:

    sh $demo/enter.sh

and there, for example:

    git bead log ${slug%????????????}      who did what, in order
    git sling logs ben         what an agent said
    git refinery status        what waits, what landed, what did not
    git log --graph main       everything each agent committed

Change main behind the queue's back, and the audit finds it:

    git rm -q shopfloor.toml && git -c core.hooksPath=/dev/null commit -qm 'no gates'
    git refinery audit

Every step of the demo is in $demo/demo.sh, and the agents are in
$demo/bin/quill-agent. To be rid of it all: rm -r $demo
EOF
