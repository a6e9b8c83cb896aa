{{ 'a'.__class__.__name__ | default('x') }}: test.nop
