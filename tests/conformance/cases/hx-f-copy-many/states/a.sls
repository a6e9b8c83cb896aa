c1: {file: [copy, {name: '@ROOT@/c1'}, {source: '@ROOT@/src'}]}
c2: {file: [copy, {name: '@ROOT@/dst'}, {source: '@ROOT@/src'}]}
c3: {file: [copy, {name: '@ROOT@/dst'}, {source: '@ROOT@/src'}, {force: True}]}
c4: {file: [copy, {name: '@ROOT@/same'}, {source: '@ROOT@/src'}, {force: True}]}
c5: {file: [copy, {name: '@ROOT@/t2'}, {source: '@ROOT@/tree'}]}
c6: {file: [copy, {name: '@ROOT@/dir'}, {source: '@ROOT@/src'}, {subdir: True}]}
c7: {file: [copy, {name: '@ROOT@/n/m/c7'}, {source: '@ROOT@/src'}, {makedirs: True}, {mode: '0600'}]}
c8: {file: [copy, {name: '@ROOT@/c8'}, {source: '@ROOT@/none'}]}
c9: {file: [copy, {name: '@ROOT@/t3'}, {source: '@ROOT@/tree'}, {preserve: True}]}
r1: {file: [rename, {name: '@ROOT@/r1'}, {source: '@ROOT@/c1'}]}
r2: {file: [rename, {name: '@ROOT@/r1'}, {source: '@ROOT@/c1'}]}
r3: {file: [rename, {name: '@ROOT@/dst'}, {source: '@ROOT@/src'}]}
r4: {file: [rename, {name: '@ROOT@/dst'}, {source: '@ROOT@/src'}, {force: True}]}
r5: {file: [rename, {name: '@ROOT@/q/w/e'}, {source: '@ROOT@/same'}, {makedirs: True}]}
r6: {file: [copy, {name: 'rel'}, {source: '@ROOT@/same'}]}
