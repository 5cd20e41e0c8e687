# How many lines there are.
lines() {
    wc -l | tr -d ' '
}
