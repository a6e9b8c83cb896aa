{{ 'x' is nosuchtest }}: test.nop
