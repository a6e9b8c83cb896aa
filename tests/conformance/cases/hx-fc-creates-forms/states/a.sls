src: {test: [succeed_with_changes]}
c1: {test: [succeed_with_changes, {creates: '@ROOT@/a'}]}
c2: {test: [succeed_with_changes, {creates: ['@ROOT@/a', '@ROOT@/b']}]}
c3: {test: [succeed_with_changes, {creates: ['@ROOT@/a', '@ROOT@/none']}]}
c4: {test: [succeed_with_changes, {creates: '@ROOT@'}]}
c5: {test: [succeed_with_changes, {creates: []}]}
c6: {test: [succeed_with_changes, {creates: '@ROOT@/*'}]}
c7: {cmd: [run, {name: 'touch @ROOT@/made'}, {creates: '@ROOT@/made'}]}
c8: {cmd: [run, {name: 'touch @ROOT@/made2'}, {creates: '@ROOT@/made'}]}
c9: {cmd: [wait, {name: 'touch @ROOT@/w'}, {creates: '@ROOT@/a'}, {watch: [{test: src}]}]}
d1: {test: [nop, {onchanges: [{test: c1}]}]}
d2: {test: [nop, {require: [{test: c1}]}]}
d3: {test: [nop, {creates: '@ROOT@/a'}, {unless: 'false'}]}
d4: {test: [nop, {creates: 5}]}
