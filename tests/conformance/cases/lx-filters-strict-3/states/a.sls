x:
  test.nop:
    - name: {{ 5|load_yaml }}
