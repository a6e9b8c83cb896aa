l1: {file: [line, {name: '@ROOT@/f1'}, {content: two}, {mode: ensure}, {after: '\[a\]'}, {before: '\[b\]'}]}
l2: {file: [line, {name: '@ROOT@/f1'}, {content: three}, {mode: insert}, {after: one}]}
l3: {file: [line, {name: '@ROOT@/f2'}, {match: y}, {mode: delete}, {content: y}]}
l4: {file: [line, {name: '@ROOT@/f2'}, {match: '^x'}, {mode: replace}, {content: z}]}
l5: {file: [line, {name: '@ROOT@/f3'}, {content: first}, {mode: insert}, {location: start}]}
l6: {file: [line, {name: '@ROOT@/f4'}, {content: mid}, {mode: ensure}, {after: start}]}
l7: {file: [line, {name: '@ROOT@/f4'}, {content: mid}, {mode: ensure}, {after: start}]}
l8: {file: [line, {name: '@ROOT@/f4'}, {content: '   ind'}, {mode: insert}, {before: end}, {indent: False}]}
l9: {file: [line, {name: '@ROOT@/f4'}, {content: x}, {mode: insert}, {after: nothere}]}
m1: {file: [line, {name: '@ROOT@/f4'}, {content: x}, {mode: bogus}, {after: start}]}
m2: {file: [line, {name: '@ROOT@/f4'}, {content: x}]}
m3: {file: [line, {name: '@ROOT@/f4'}, {mode: insert}, {location: start}]}
m4: {file: [line, {name: '@ROOT@/f4'}, {content: q}, {mode: delete}]}
m5: {file: [line, {name: '@ROOT@/f1'}, {content: new}, {mode: ensure}, {after: '\[a\]'}, {before: '\[z\]'}]}
