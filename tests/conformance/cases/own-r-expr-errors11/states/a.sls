{{ raise('my message') }}: test.nop
