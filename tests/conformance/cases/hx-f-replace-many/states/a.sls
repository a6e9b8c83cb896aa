r1: {file: [replace, {name: '@ROOT@/f1'}, {pattern: '^key=(.*)$'}, {repl: 'key=\1-new'}, {count: 1}]}
r2: {file: [replace, {name: '@ROOT@/f2'}, {pattern: 'none'}, {repl: 'added'}, {append_if_not_found: True}]}
r3: {file: [replace, {name: '@ROOT@/f3'}, {pattern: 'a\nb'}, {repl: 'C'}, {flags: ['IGNORECASE', 'MULTILINE']}]}
r4: {file: [replace, {name: '@ROOT@/f4'}, {pattern: 'x.y'}, {repl: 'dot'}, {bufsize: file}]}
r5: {file: [replace, {name: '@ROOT@/f5'}, {pattern: '^new=.*'}, {repl: 'new=1'}, {prepend_if_not_found: True}, {not_found_content: 'nfc'}]}
r6: {file: [replace, {name: '@ROOT@/f6'}, {pattern: 'x'}, {repl: 'y'}, {append_if_not_found: True}, {backup: False}]}
r7: {file: [replace, {name: '@ROOT@/f4'}, {pattern: '(?P<a>d)(ot)'}, {repl: '\g<2>\g<a>'}, {backup: '.orig'}]}
r8: {file: [replace, {name: '@ROOT@/f4'}, {pattern: '['}, {repl: 'x'}]}
r9: {file: [replace, {name: '@ROOT@/none'}, {pattern: 'x'}, {repl: 'y'}, {ignore_if_missing: True}]}
s1: {file: [replace, {name: '@ROOT@/f3'}, {pattern: 'B'}, {repl: 'B'}]}
s2: {file: [replace, {name: '@ROOT@/f3'}, {pattern: '$'}, {repl: '!'}]}
s3: {file: [replace, {name: '@ROOT@/f1'}, {pattern: '^\s*$'}, {repl: 'blank'}]}
s4: {file: [replace, {name: '@ROOT@'}, {pattern: 'x'}, {repl: 'y'}]}
s5: {file: [replace, {name: '@ROOT@/f1'}, {pattern: 'other=(\d)'}, {repl: 'other=\1\n'}]}
