cat >lib/lower.sh <<'SH'
# In small letters.
lower() {
    tr '[:upper:]' '[:lower:]'
}
SH
cat >tests/lower.cases <<'CASES'
lower|Ink AND Quill|ink and quill
CASES
commit 'lower: small letters'
push
