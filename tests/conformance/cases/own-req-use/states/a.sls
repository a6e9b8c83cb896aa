base:
  file.managed:
    - name: @ROOT@/base
    - contents: from base
    - mode: '0600'
    - makedirs: True
user:
  file.managed:
    - name: @ROOT@/sub/user
    - use:
      - file: base
own:
  file.managed:
    - name: @ROOT@/own
    - contents: own text
    - use:
      - file: base
