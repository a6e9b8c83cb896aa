{% for n in ['nonl','two','blank','empty'] %}
{{ n }}:
  file.managed:
    - name: @ROOT@/{{ n }}
    - source: salt://{{ n }}.j2
    - template: jinja
raw-{{ n }}:
  file.managed:
    - name: @ROOT@/raw-{{ n }}
    - source: salt://{{ n }}.j2
{% endfor %}
c1:
  file.managed:
    - name: @ROOT@/c1
    - contents: |+
        a

    - contents_newline: False
c2:
  file.managed:
    - name: @ROOT@/c2
    - contents: "a\n\n"
c3:
  file.managed:
    - name: @ROOT@/c3
    - contents: a
    - contents_newline: False
c4:
  file.managed:
    - name: @ROOT@/c4
    - contents: |-
        a
        b
c5:
  file.managed:
    - name: @ROOT@/c5
    - contents: >
        a
        b

        c
          d
c6:
  file.managed:
    - name: @ROOT@/c6
    - contents:
      - a
      - 1
      - true
      - ''
c7:
  file.managed:
    - name: @ROOT@/c7
    - contents: 12
c8:
  file.managed:
    - name: @ROOT@/c8
    - contents: True
c9:
  file.managed:
    - name: @ROOT@/c9
    - contents: 1.50
c11:
  file.managed:
    - name: @ROOT@/c11
    - contents:
c12:
  file.managed:
    - name: @ROOT@/c12
    - contents: ''
c13:
  file.managed:
    - name: @ROOT@/c13
    - contents: []
c14:
  file.managed:
    - name: @ROOT@/c14
    - contents: 0
c15:
  file.managed:
    - name: @ROOT@/c15
    - contents: "\n"
c16:
  file.managed:
    - name: @ROOT@/c16
    - contents: 2024-01-02
c17:
  file.managed:
    - name: @ROOT@/c17
    - contents: "a\r\nb\r\n"
