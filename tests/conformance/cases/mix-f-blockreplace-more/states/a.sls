
a:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: "# s"
    - marker_end: "# e"
    - content: |
        n1
        n2
    - backup: False
b:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: "# s2"
    - marker_end: "# e2"
    - content: appended
    - append_if_not_found: True
    - backup: False
c:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: "# s3"
    - marker_end: "# e3"
    - content: x
    - insert_after_match: "^mid"
    - backup: False
d:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: "# s4"
    - marker_end: "# e4"
    - content: x
    - backup: False
e:
  file.blockreplace:
    - name: @ROOT@/f
    - marker_start: "# s5"
    - marker_end: "# e5"
    - content: x
    - prepend_if_not_found: True
    - append_newline: False
    - backup: .b
