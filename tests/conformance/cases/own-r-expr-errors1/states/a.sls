{{ 1 + 'a' }}: test.nop
