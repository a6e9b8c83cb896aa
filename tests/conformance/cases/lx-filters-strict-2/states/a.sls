x:
  test.nop:
    - name: {{ 5|sha256 }}
