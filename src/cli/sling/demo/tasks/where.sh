# The other one, and slow at first: when it pushes, the line is no longer the same on main.
line="usage='usage: quill COMMAND [ARGUMENT...]; the commands are the files in lib/'"
both="usage='usage: quill COMMAND [ARGUMENT...], such as: quill lines <poem.txt; see lib/'"

write() { # LINE
    sed "s|^usage=.*|$1|" quill >quill.new
    cat quill.new >quill && rm quill.new
}

if told 'conflict'; then
    if git rebase --quiet main; then
        write "$both"
        commit 'usage: keep the example beside the place'
    else
        git checkout --quiet main -- quill
        write "$both"
        git add quill
        git -c core.editor=true rebase --continue
    fi
else
    write "$line"
    commit 'usage: say where the commands are'
    patience=60
    while git diff --quiet HEAD~ main -- quill && [ $patience -gt 0 ]; do
        sleep 1
        patience=$((patience - 1))
    done
fi
push
