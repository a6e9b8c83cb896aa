include:
  - common
  - keyed:
      key: under:deep
      defaults:
        d: fromdef
  - sub.x
own: 1
shared: main
