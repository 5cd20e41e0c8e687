cat >lib/quote.sh <<'SH'
# As a letter quotes another: folded, each line behind a mark.
. "$here/lib/wrap.sh"
quote() {
    wrap "${1:-70}" | sed 's/^/> /'
}
SH
cat >tests/quote.cases <<'CASES'
quote 9|to be or not|> to be or\n> not
CASES
commit 'quote: as a letter quotes another'
push
