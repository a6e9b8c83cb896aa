
a:
  file.cached:
    - name: @ROOT@/src
c:
  file.cached:
    - name: salt://none.txt
d:
  file.cached:
    - name: @ROOT@/absent
e:
  file.not_cached:
    - name: salt://never.txt
h:
  file.not_cached:
    - name: @ROOT@/src
i:
  file.cached:
    - name: "no:///x"
