a1: {test: [nop, {unless: [{fun: file.file_exists, path: '@ROOT@/there'}]}]}
a2: {test: [nop, {onlyif: [{fun: file.file_exists, path: '@ROOT@/there'}]}]}
a3: {test: [nop, {onlyif: [{fun: file.file_exists, args: ['@ROOT@/there']}, 'test -e @ROOT@/there']}]}
a4: {test: [nop, {onlyif: [{fun: file.file_exists, args: ['@ROOT@/no']}, 'touch @ROOT@/ran']}]}
a5: {test: [nop, {unless: ['test -e @ROOT@/there', {fun: file.file_exists, path: '@ROOT@/no'}]}]}
a6: {test: [nop, {onlyif: [{fun: test.echo, args: [{a: {b: 1}}], get_return: 'a:b'}]}]}
a7: {test: [nop, {onlyif: [{fun: test.echo, args: [{a: {b: 0}}], get_return: 'a:b'}]}]}
a8: {test: [nop, {onlyif: [{fun: test.echo, args: [{a: 1}], get_return: 'a:c'}]}]}
a9: {test: [nop, {onlyif: [{fun: no.such}]}]}
b1: {test: [nop, {unless: [{fun: no.such}]}]}
b2: {test: [nop, {onlyif: [{fun: file.search, args: ['@ROOT@/there'], pattern: x}]}]}
b3: {test: [nop, {unless: [{fun: file.search, path: '@ROOT@/there', pattern: 'y'}]}]}
b4: {test: [nop, {unless: {fun: test.true}}]}
b5: {test: [nop, {onlyif: {fun: test.false}}]}
b6: {test: [nop, {onlyif: [{fun: test.true}, {fun: test.false}]}]}
b7: {test: [nop, {unless: [{fun: test.true}, {fun: test.false}]}]}
b8: {test: [nop, {onlyif: []}]}
b9: {test: [nop, {unless: ''}]}
c1: {test: [nop, {onlyif: ['', 'true']}]}
c2: {test: [nop, {onlyif: 'exit 3'}, {unless: 'exit 3'}]}
c3: {test: [nop, {onlyif: 'test -e @ROOT@/there && true | cat'}]}
c4: {test: [nop, {onlyif: [{fun: match.grain, tgt: 'os:*'}]}]}
c5: {test: [nop, {onlyif: [{fun: cmd.run, cmd: 'echo x'}]}]}
c6: {test: [nop, {unless: [1]}]}
c7: {test: [nop, {onlyif: [['true', 'false']]}]}
