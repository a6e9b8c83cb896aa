b1: test.nop
b2: test.nop
b3: test.nop
