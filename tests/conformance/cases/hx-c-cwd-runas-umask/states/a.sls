r1: {cmd: [run, {name: pwd}, {cwd: '@ROOT@/none'}]}
r2: {cmd: [run, {name: 'true'}, {runas: nosuchuser}]}
r3: {cmd: [run, {name: 'id -un > @ROOT@/r3'}, {runas: root}]}
r4: {cmd: [run, {name: 'echo x > @ROOT@/r4'}, {umask: '077'}]}
r5: {cmd: [run, {name: 'sleep 5'}, {timeout: 1}]}
r6: {cmd: [run, {name: 'echo out; echo err >&2'}, {output_loglevel: quiet}]}
r7: {cmd: [run, {name: 'exit 2'}, {success_retcodes: [2, 3]}]}
r8: {cmd: [run, {name: 'echo FATAL; true'}, {success_stdout: ['FATAL']}]}
r9: {cmd: [run, {name: 'echo -n'}, {shell: /bin/bash}]}
s1: {cmd: [run, {name: '[[ a == a ]] && echo yes > @ROOT@/s1'}, {shell: /bin/bash}]}
s2: {cmd: [run, {name: 'exec nosuchcommand'}]}
s3: {cmd: [run, {name: 'echo a | tr a b > @ROOT@/s3; test -s @ROOT@/s3'}]}
s4: {cmd: [run, {name: "echo 'multi\nline' > @ROOT@/s4"}]}
s5: {cmd: [run, {name: 'true'}, {ignore_timeout: True}, {bg: True}]}
s6: {cmd: [run, {name: 'cat > @ROOT@/s6'}, {stdin: "fed\n"}]}
s7: {cmd: [run, {names: ['echo 1 >> @ROOT@/s7', 'echo 2 >> @ROOT@/s7; false', 'echo 3 >> @ROOT@/s7']}]}
