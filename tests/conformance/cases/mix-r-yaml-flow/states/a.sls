
x: {test.nop: [{name: "a, b"}, {require: [{test: y}]}]}
y: {test.nop: []}
"z: q": {cmd.run: [{name: 'echo "x: y" > @ROOT@/z'}]}
? w
: test.nop: []
