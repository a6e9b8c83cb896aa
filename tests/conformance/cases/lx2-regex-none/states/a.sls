f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ none | regex_replace('x', 'y') }}
