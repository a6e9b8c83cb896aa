
f:
  file.managed:
    - name: @ROOT@/f
    - contents: "{{ 'a\tb\\n' }} {{ "q'q" }} {{ 'back\\slash' }}"
g:
  file.managed:
    - name: @ROOT@/g
    - contents: '{{ "x\\ty" }}'
