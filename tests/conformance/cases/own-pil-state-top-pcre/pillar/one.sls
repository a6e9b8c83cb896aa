l: [web, db]
m: {a: {b: 1}}
