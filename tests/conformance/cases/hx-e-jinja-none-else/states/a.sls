x:
  test.nop:
    - name: "a{{ 'b' if false }}c"
    - comment: "{{ ('b' if false) | default('d') }}"
