a: test.nop
b: {}
