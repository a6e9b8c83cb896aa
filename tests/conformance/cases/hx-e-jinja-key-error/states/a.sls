x:
  test.nop:
    - name: {{ grains['nope'] | default('d') }}
    - comment: {{ grains.nope | default('d') }}
y:
  test.nop:
    - name: {{ grains['nope'] }}
