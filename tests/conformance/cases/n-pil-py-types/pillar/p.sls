a: 1
b: 1.0
c: '1'
d: yes
e: ~
f: 2024-01-01
g: 1e3
h: 0x1f
i: 0o17
j: 017
k: 1_000
l: 12:30:45
m: .5
n: 1.
o: .inf
p: NO
q: "on"
r: !!str 5
s: !!int '7'
t: +5
u: 0b11
v: 1.5e+3
w: 190:20:30.15
x: -0
y: null
z: Null
