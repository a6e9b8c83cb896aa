k1: {cmd: [run, {name: 'false'}, {check_cmd: ['true']}]}
k2: {cmd: [run, {name: 'true'}, {check_cmd: ['true', 'false']}]}
k3: {test: [fail_with_changes, {check_cmd: ['true', 'true']}]}
k4: {test: [succeed_with_changes, {check_cmd: 'false'}]}
k5: {test: [nop, {require: [{test: k4}]}]}
k6: {test: [nop, {onfail: [{test: k4}]}]}
k7: {test: [nop, {onchanges: [{test: k3}]}]}
k8: {test: [succeed_with_changes, {check_cmd: [{fun: test.false}]}]}
k9: {cmd: [run, {name: 'echo hi > $OUT'}, {env: [{OUT: '@ROOT@/o'}]}, {cwd: '@ROOT@'}, {check_cmd: ['test -s o', 'test -n "$OUT"']}]}
l1: {test: [succeed_with_changes, {unless: 'true'}, {check_cmd: ['false']}]}
l2: {file: [managed, {name: '@ROOT@/l2'}, {contents: abc}, {check_cmd: 'grep -q abc'}]}
l3: {file: [managed, {name: '@ROOT@/l3'}, {contents: abc}, {check_cmd: 'grep -q xyz'}]}
