
a:
  file.managed:
    - name: @ROOT@/a
    - contents: |-
        one
          two

        three
b:
  file.managed:
    - name: @ROOT@/b
    - contents: >
        folded
        line

        para
          indented
        end
c:
  file.managed:
    - name: @ROOT@/c
    - contents: |+
        keep

d:
  file.managed:
    - name: @ROOT@/d
    - contents: |2
          lead
        x
e:
  file.managed:
    - name: @ROOT@/e
    - contents: "a\tb\x41\u00fc \
        cont"
f:
  file.managed:
    - name: @ROOT@/f
    - contents: 'it''s
        two'
g:
  file.managed:
    - name: @ROOT@/g
    - contents: plain
        multi
        line
