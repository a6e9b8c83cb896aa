p1: {cmd: [run, {name: 'echo 1 > @ROOT@/p1'}, {parallel: True}]}
p2: {cmd: [run, {name: 'false'}, {parallel: True}]}
p3: {cmd: [run, {name: 'test -e @ROOT@/p1'}, {parallel: True}, {require: [{cmd: p1}]}]}
p4: {test: [nop, {parallel: True}, {require: [{cmd: p2}]}]}
p5: {test: [nop, {onfail: [{cmd: p2}]}]}
p6: {cmd: [wait, {name: 'echo l >> @ROOT@/l'}, {listen: [{cmd: p1}]}]}
p7: {test: [nop, {onchanges: [{cmd: p1}]}, {parallel: False}]}
p8: {cmd: [run, {name: 'echo 8'}, {parallel: True}, {unless: 'true'}]}
