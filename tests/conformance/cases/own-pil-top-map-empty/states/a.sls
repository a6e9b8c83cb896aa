{{ pillar.get('k', 'n') }}: test.nop
