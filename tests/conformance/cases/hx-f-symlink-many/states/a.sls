l1: {file: [symlink, {name: '@ROOT@/l1'}, {target: '@ROOT@/file'}]}
l2: {file: [symlink, {name: '@ROOT@/l1'}, {target: '@ROOT@/dir'}]}
l3: {file: [symlink, {name: '@ROOT@/file'}, {target: '@ROOT@/dir'}]}
l4: {file: [symlink, {name: '@ROOT@/file'}, {target: '@ROOT@/dir'}, {backupname: 'file.old'}]}
l5: {file: [symlink, {name: '@ROOT@/x/y/l5'}, {target: '../rel'}]}
l6: {file: [symlink, {name: '@ROOT@/x/y/l5'}, {target: '../rel'}, {makedirs: True}]}
l7: {file: [symlink, {name: '@ROOT@/dir'}, {target: '/tmp'}]}
l8: {file: [symlink, {name: '@ROOT@/dir/in'}, {target: 'elsewhere'}, {force: True}]}
l9: {file: [symlink, {name: 'rel'}, {target: '/x'}]}
m1: {file: [symlink, {name: '@ROOT@/l1'}, {target: '@ROOT@/dir'}, {mode: '0600'}]}
m2: {file: [absent, {name: '@ROOT@/l1'}]}
m3: {file: [missing, {name: '@ROOT@/l1'}]}
m4: {file: [exists, {name: '@ROOT@/x/y/l5'}]}
m5: {file: [symlink, {name: '@ROOT@/m5'}]}
