bad: {test: [fail_without_changes]}
ok: {test: [succeed_with_changes]}
blk: {test: [nop, {require: [{test: bad}]}]}
skp: {test: [nop, {unless: 'true'}]}
a1: {test: [nop, {require_any: [{test: bad}, {test: blk}]}]}
a2: {test: [nop, {require_any: [{test: bad}, {test: skp}]}]}
a3: {test: [nop, {require_any: [{test: bad}, {test: missing}]}]}
a4: {test: [nop, {require_any: [{test: ok}, {test: missing}]}]}
a5: {test: [nop, {require_any: [{test: ok}], require: [{test: skp}]}]}
a6: {test: [nop, {watch_any: [{test: bad}, {test: ok}]}]}
a7: {test: [nop, {watch_any: [{test: blk}, {test: bad}]}]}
a8: {test: [nop, {onchanges_any: [{test: skp}, {test: ok}]}]}
a9: {test: [nop, {onchanges_any: [{test: skp}, {test: blk}]}]}
