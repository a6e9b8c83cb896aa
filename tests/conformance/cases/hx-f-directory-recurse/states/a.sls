d1: {file: [directory, {name: '@ROOT@/d1'}, {dir_mode: '0750'}, {file_mode: '0640'}, {recurse: [mode]}]}
d2: {file: [directory, {name: '@ROOT@/d2'}, {clean: True}, {require: [{file: keep}]}]}
keep: {file: [managed, {name: '@ROOT@/d2/keep'}, {contents: x}]}
d3: {file: [directory, {name: '@ROOT@/file'}]}
d4: {file: [directory, {name: '@ROOT@/file'}, {force: True}]}
d5: {file: [directory, {name: '@ROOT@/a/b/c'}]}
d6: {file: [directory, {name: '@ROOT@/a/b/c'}, {makedirs: True}, {mode: 700}]}
d7: {file: [directory, {name: '@ROOT@/d1'}, {file_mode: '0600'}, {recurse: [mode, ignore_dirs]}]}
d8: {file: [directory, {name: '@ROOT@/d1'}, {dir_mode: '0711'}, {recurse: [mode, ignore_files]}]}
d9: {file: [directory, {name: '@ROOT@/d1'}, {recurse: [what]}]}
e1: {file: [directory, {name: '@ROOT@/new'}, {mode: '1777'}]}
e2: {file: [directory, {name: '@ROOT@/new'}, {mode: '2755'}, {children_only: True}, {recurse: [mode]}]}
e3: {file: [directory, {name: 'relative/path'}]}
e4: {file: [directory, {names: ['@ROOT@/n1', '@ROOT@/n2': [{mode: '0700'}]]}]}
