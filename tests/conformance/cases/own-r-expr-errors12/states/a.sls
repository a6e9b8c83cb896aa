{{ {'a':1}.b.c }}: test.nop
