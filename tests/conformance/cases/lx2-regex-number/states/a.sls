f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ 5 | regex_search('5') }}
