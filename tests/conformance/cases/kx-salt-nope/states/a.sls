"{{ salt.nope is defined }} {{ salt.test is defined }} {{ salt['nope'] is defined }} {{ salt['test'] is defined }} {{ salt.test.nope is defined }} {{ salt['test.nope'] is defined }} {{ 'nope' in salt }} {{ 'test' in salt }} {{ 'test.ping' in salt }}":
  test.nop
