{{ nofunc() }}: test.nop
