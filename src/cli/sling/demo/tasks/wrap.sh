# Killed half way, with one commit made and one file not even added. The next session finds both.
if [ -f lib/wrap.sh ]; then
    echo "found my commit:" "$(git log -1 --format=%s -- lib/wrap.sh)"
    echo "found my edit:" "$(cat tests/wrap.cases)"
else
    cat >lib/wrap.sh <<'SH'
# Long lines folded between words, at 72 columns or as many as are given.
wrap() {
    fold -s -w "${1:-72}" | sed 's/ $//'
}
SH
    commit 'wrap: fold long lines between words'
    cat >tests/wrap.cases <<'CASES'
wrap 9|to be or not|to be or\nnot
CASES
    echo $$ >"$demo/run/pid" && mv "$demo/run/pid" "$demo/run/wrap.pid"
    while :; do sleep 1; done
fi
echo 'wrap|short|short' >>tests/wrap.cases
commit 'wrap: say what it does to short lines, and to long ones'
push
