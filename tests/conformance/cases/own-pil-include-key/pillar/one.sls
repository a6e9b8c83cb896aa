include:
  - two:
      key: sub:deeper
      defaults:
        who: me
k: one
