base:
  file.managed:
    - name: @ROOT@/base
    - contents: from base
    - mode: '0640'
    - use_in:
      - file: user
user:
  file.managed:
    - name: @ROOT@/user
