tmpl:
  file.managed:
    - mode: '0600'
    - makedirs: True
    - contents: from-template
    - use_in:
      - file: @ROOT@/d/one
      - file: two
    - name: @ROOT@/tmpl
@ROOT@/d/one:
  file.managed: []
two:
  file.managed:
    - name: @ROOT@/d/two
    - contents: own
