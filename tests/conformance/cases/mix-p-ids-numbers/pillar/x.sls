1: one
"2": two
yes: y
null: n
1.5: f
d: 2020-01-01
