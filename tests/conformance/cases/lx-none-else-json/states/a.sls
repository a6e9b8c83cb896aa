x:
  test.nop:
    - name: {{ ('a' if false)|json }}
