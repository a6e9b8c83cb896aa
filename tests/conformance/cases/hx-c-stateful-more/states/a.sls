s1: {cmd: [run, {name: 'echo hi; echo; echo "changed=yes comment=''it worked'' k=v"'}, {stateful: True}]}
s2: {cmd: [run, {name: 'echo "changed=no"'}, {stateful: True}]}
s3: {cmd: [run, {name: 'echo ''{"changed": true, "comment": "j", "a": 1}'''}, {stateful: True}]}
s4: {cmd: [run, {name: 'echo ''{"changed": false}'''}, {stateful: True}]}
s5: {cmd: [run, {name: 'echo nothing of this'}, {stateful: True}]}
s6: {cmd: [run, {name: 'echo changed=yes; exit 1'}, {stateful: True}]}
s7: {cmd: [run, {name: 'echo changed=yes; echo trailing'}, {stateful: True}]}
s8: {cmd: [run, {name: 'echo changed=True'}, {stateful: [{test_name: 'echo changed=no'}]}]}
s9: {cmd: [run, {name: 'true'}, {stateful: True}]}
t1: {cmd: [run, {name: 'echo "changed=maybe"'}, {stateful: True}]}
t2: {test: [nop, {onchanges: [{cmd: s1}]}]}
t3: {test: [nop, {onchanges: [{cmd: s2}]}]}
t4: {cmd: [wait, {name: 'echo changed=no'}, {stateful: True}, {watch: [{cmd: s1}]}]}
t5: {cmd: [run, {name: 'printf "{\"changed\": true}\n\n"'}, {stateful: True}]}
t6: {cmd: [run, {name: 'echo "changed: yes"'}, {stateful: True}]}
