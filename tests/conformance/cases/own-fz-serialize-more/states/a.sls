c:
  file.serialize:
    - name: @ROOT@/c.ini
    - dataset: {main: {a: 1, b: two}}
    - formatter: configparser
p:
  file.serialize:
    - name: @ROOT@/p.py
    - dataset: {b: 1, a: [1, two]}
    - formatter: python
