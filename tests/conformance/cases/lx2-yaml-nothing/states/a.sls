f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ (1 if false) | yaml }}
