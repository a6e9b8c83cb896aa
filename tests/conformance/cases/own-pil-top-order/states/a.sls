{{ pillar.k }}: test.nop
