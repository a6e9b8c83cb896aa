? [a, b]
: test.nop
