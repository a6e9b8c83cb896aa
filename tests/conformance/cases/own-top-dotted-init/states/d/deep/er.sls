er: test.nop
