# Last of all: what landed since the first commit, in the words of those who did it.
echo 1.0 >VERSION
{
    echo '# 1.0'
    echo
    git log --no-merges --format='- %s (%an)' "$(git rev-list --max-parents=0 HEAD)"..HEAD
} >CHANGES.md
commit 'release 1.0'
push
