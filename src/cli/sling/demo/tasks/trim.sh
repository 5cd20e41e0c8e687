# The first try forgets the end of the line, and nobody ran the tests. The gate does, and what it
# expected and received is in the next prompt.
if told 'expected'; then
    cat >lib/trim.sh <<'SH'
# Without the blanks at both ends of each line.
trim() {
    sed 's/^[[:blank:]]*//; s/[[:blank:]]*$//'
}
SH
    commit 'trim: cut the blanks at the end as well'
else
    cat >lib/trim.sh <<'SH'
# Without the blanks at both ends of each line.
trim() {
    sed 's/^[[:blank:]]*//'
}
SH
    cat >tests/trim.cases <<'CASES'
trim|  word|word
trim|two words  |two words
CASES
    commit 'trim: cut blanks at both ends'
fi
push
