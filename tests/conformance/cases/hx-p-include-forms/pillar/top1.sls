include:
  - plain
  - keyed:
      key: under
  - keyed2:
      key: a:b
  - defs:
      defaults:
        who: me
        n: 3
      key: d
  - sub.*
  - sub
own: {x: 1}
plain: {own: wins}
