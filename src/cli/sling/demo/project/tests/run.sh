#!/bin/sh
# Runs every line of tests/*.cases through quill and compares what comes out.
cd "$(dirname -- "$0")/.." || exit
ran=0 failed=0
for file in tests/*.cases; do
    number=0
    while IFS='|' read -r words input expected; do
        number=$((number + 1))
        case $words in '' | '#'*) continue ;; esac
        ran=$((ran + 1))
        expected=$(printf '%b' "$expected")
        # Unquoted: the words of a command line.
        received=$(printf '%b\n' "$input" | sh ./quill $words 2>&1)
        [ "$received" = "$expected" ] && continue
        failed=$((failed + 1))
        printf '%s:%s: quill %s\n' "$file" "$number" "$words"
        printf '  expected: "%s"\n  received: "%s"\n' "$expected" "$received"
    done <"$file"
done
echo "$ran cases, $failed failed"
[ "$failed" -eq 0 ]
