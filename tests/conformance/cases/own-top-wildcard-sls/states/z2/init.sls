z2: test.nop
