r1: {file: [recurse, {name: '@ROOT@/r1'}, {source: 'salt://t'}, {clean: True}, {template: jinja}, {context: {who: me}}]}
r2: {file: [recurse, {name: '@ROOT@/r2'}, {source: 'salt://t'}, {include_pat: '*.txt'}, {file_mode: '0600'}, {dir_mode: '0700'}]}
r3: {file: [recurse, {name: '@ROOT@/r3'}, {source: 'salt://t/'}, {exclude_pat: 'E@(sub/deep|x)'}, {clean: True}]}
r4: {file: [recurse, {name: '@ROOT@/r4'}, {source: 'salt://t'}, {file_mode: keep}, {maxdepth: 1}]}
r5: {file: [recurse, {name: '@ROOT@/r5'}, {source: 'salt://none'}]}
r6: {file: [recurse, {name: '@ROOT@/r6'}, {source: 'salt://t/a.txt'}]}
r7: {file: [recurse, {name: '@ROOT@/r7'}, {source: ['salt://none', 'salt://t/sub']}]}
r8: {file: [recurse, {name: '@ROOT@/r8'}, {source: 'salt://t'}, {include_empty: True}, {include_pat: ['*.conf', 'a*']}, {exclude_pat: ['sub/deep/*']}]}
r9: {file: [recurse, {name: '@ROOT@/r9'}, {source: 'salt://t'}, {replace: False}]}
s1: {file: [recurse, {name: '@ROOT@/r2'}, {source: 'salt://t'}, {exclude_pat: '*.sh'}]}
