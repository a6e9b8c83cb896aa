f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ [1] | union('ab') }}
