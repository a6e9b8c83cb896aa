a: {cmd: [run, {name: 'touch @ROOT@/ran'}]}
b: {cmd: [run, {name: 'touch @ROOT@/ran'}, {unless: 'test -e @ROOT@/there'}]}
c: {cmd: [script, {source: 'salt://s.sh'}]}
d: {cmd: [script, {source: 'salt://none.sh'}]}
e: {cmd: [wait, {name: 'touch @ROOT@/ran'}, {watch: [{cmd: a}]}]}
f: {cmd: [run, {name: 'touch @ROOT@/ran'}, {creates: '@ROOT@/there'}]}
g: {cmd: [run, {name: 'touch @ROOT@/ran'}, {stateful: True}]}
h: {cmd: [run, {name: 'touch @ROOT@/ran'}, {stateful: [{test_name: 'echo changed=no'}]}]}
i: {cmd: [run, {name: 'touch @ROOT@/ran'}, {cwd: '@ROOT@/none'}]}
j: {cmd: [wait, {name: 'touch @ROOT@/ran'}, {listen: [{cmd: a}]}]}
k: {cmd: [run, {name: 'touch @ROOT@/ran'}, {check_cmd: ['false']}]}
l: {module: [run, {test.ping: []}]}
m: {test: [configurable_test_state, {changes: False}, {result: True}]}
n: {test: [configurable_test_state, {changes: True}, {result: False}]}
