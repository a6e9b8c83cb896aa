f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t.j2
    - template: nosuch
g:
  file.managed:
    - name: @ROOT@/g
    - contents: "{{ '{{ 1 }}' }}"
    - template: nosuch
