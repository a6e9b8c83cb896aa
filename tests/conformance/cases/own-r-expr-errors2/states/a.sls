{{ {'a': 1}['b'] }}: test.nop
