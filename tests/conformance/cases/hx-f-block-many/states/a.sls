{% set m = "{marker_start: '#-- start'}, {marker_end: '#-- end'}" %}
b1: {file: [blockreplace, {name: '@ROOT@/f1'}, {{ m }}, {content: "n1\nn2"}]}
b2: {file: [blockreplace, {name: '@ROOT@/f2'}, {{ m }}, {content: x}]}
b3: {file: [blockreplace, {name: '@ROOT@/f2'}, {{ m }}, {content: "x\n"}, {append_if_not_found: True}]}
b4: {file: [blockreplace, {name: '@ROOT@/f3'}, {{ m }}, {content: x}]}
b5: {file: [blockreplace, {name: '@ROOT@/f4'}, {{ m }}, {content: x}]}
b6: {file: [blockreplace, {name: '@ROOT@/f1'}, {{ m }}, {source: 'salt://blk'}, {template: jinja}]}
b7: {file: [blockreplace, {name: '@ROOT@/none'}, {{ m }}, {content: x}]}
b8: {file: [blockreplace, {name: '@ROOT@/f5'}, {{ m }}, {content: x}, {prepend_if_not_found: True}]}
acc: {file: [accumulated, {filename: '@ROOT@/f2'}, {text: [l1, l2]}, {require_in: [{file: b9}]}]}
b9: {file: [blockreplace, {name: '@ROOT@/f2'}, {{ m }}, {content: head}]}
b10: {file: [blockreplace, {name: '@ROOT@/f1'}, {{ m }}, {content: new}, {backup: False}, {append_newline: True}]}
b11: {file: [blockreplace, {name: '@ROOT@/f1'}, {marker_start: 'top'}, {content: q}, {insert_after_match: bottom}]}
