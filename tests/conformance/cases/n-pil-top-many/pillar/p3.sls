a: {x: {deep: 3}}
