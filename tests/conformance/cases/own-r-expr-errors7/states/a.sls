{{ 'abc'.nomethod() }}: test.nop
