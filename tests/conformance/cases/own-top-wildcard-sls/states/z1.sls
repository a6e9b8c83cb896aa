z1: test.nop
