f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ {'a': 1} | union(['b']) }}
