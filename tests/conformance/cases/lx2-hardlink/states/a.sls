s00:
  file.hardlink:
    - name: @ROOT@/h1
    - target: @ROOT@/f
s01:
  file.hardlink:
    - name: @ROOT@/h2
    - target: @ROOT@/none
s02:
  file.hardlink:
    - name: @ROOT@/g
    - target: @ROOT@/f
s03:
  file.hardlink:
    - name: @ROOT@/g
    - target: @ROOT@/f
    - force: True
s04:
  file.hardlink:
    - name: @ROOT@/nd/h
    - target: @ROOT@/f
    - makedirs: True
s05:
  file.hardlink:
    - name: @ROOT@/h3
    - target: @ROOT@/d
s06:
  file.hardlink:
    - name: rel
    - target: @ROOT@/f
s07:
  file.hardlink:
    - name: @ROOT@/h4
    - target: rel
