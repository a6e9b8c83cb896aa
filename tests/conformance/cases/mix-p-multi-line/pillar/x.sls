cert: |
  BEGIN
  abc
  END
fold: >-
  a
  b
list:
- a
-   - b
    - c
- {d: e}
anch: &a {k: 1}
ref: *a
mrg:
  <<: *a
  j: 2
