# One of two that edit the same line.
sed "s|^usage=.*|usage='usage: quill COMMAND [ARGUMENT...], such as: quill lines <poem.txt'|" quill >quill.new
cat quill.new >quill && rm quill.new
commit 'usage: show an example'
push
