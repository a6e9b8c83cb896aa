z: {test: [nop, {order: 1}]}
y: {test: [nop, {order: first}]}
x: {test: [nop, {order: last}, {require_in: [{test: y}]}]}
w: {test: [nop, {order: -5}]}
v: {test: [nop, {order: -1}]}
u: {test: [nop]}
t: {test: [nop, {order: 10000}]}
s: {test: [nop, {order: 0}]}
r: {test: [nop, {order: 2.5}]}
q: {test: [nop, {order: 'last'}, {require: [{test: p}]}]}
p: {test: [nop, {order: last}]}
o: {test: [nop, {order: null}]}
n: {test: [nop, {order: true}]}
m: {test: [nop, {order: '5'}]}
l: {test: [nop, {order: 99999}]}
k: {test: [nop, {order: 10001}]}
