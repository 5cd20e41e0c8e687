cat >lib/slug.sh <<'SH'
# A title as it can stand in a URL.
. "$here/lib/trim.sh"
. "$here/lib/lower.sh"
slug() {
    lower | tr -c '[:alnum:]\n' ' ' | trim | tr -s ' ' '-'
}
SH
cat >tests/slug.cases <<'CASES'
slug|Ink, Quill & Paper|ink-quill-paper
slug|  The End.  |the-end
CASES
commit 'slug: a title for a URL'
push
