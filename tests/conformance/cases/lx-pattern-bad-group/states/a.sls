a:
  test.nop:
    - name: "{{ 'ab'|regex_replace('(a)', '\\2') }}"
