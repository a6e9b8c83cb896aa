{{ salt['nope.nope']() }}: test.nop
