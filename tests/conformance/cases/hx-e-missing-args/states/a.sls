a: {file.symlink: []}
b: {file.replace: [{name: '@ROOT@/b'}]}
c: {cmd.script: []}
d: {file.append: []}
e: {file.line: [{name: '@ROOT@/e'}]}
f: {file.copy: [{name: '@ROOT@/f'}]}
g: {test.show_notification: []}
h: {file.comment: [{name: '@ROOT@/h'}]}
i: {cmd.run: []}
