include:
  - two:
      defaults:
        who: me
k: one
