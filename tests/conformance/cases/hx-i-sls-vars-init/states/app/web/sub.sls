two:
  file.managed:
    - name: @ROOT@/two
    - source: salt://{{ slspath }}/t.j2
    - template: jinja
    - contents_newline: False
three:
  test.nop:
    - name: "{{ sls }} {{ slspath }} {{ tpldir }} {{ tplfile }} {{ slsdotpath }} {{ tpldot }}"
