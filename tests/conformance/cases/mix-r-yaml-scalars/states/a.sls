
{% load_yaml as d %}
oct: 0755
octo: 0o755
hex: 0x1F
bin: 0b101
sexa: 1:30:00
sexf: 1:30.5
date: 2020-01-02
stamp: 2020-01-02T03:04:05Z
exp: 1e5
expf: 1.5e+5
inf: .inf
nan: .NaN
neg: -0
plus: +5
under: 1_000
tilde: ~
nul: Null
yes: Yes
off: OFF
y: y
str: !!str 5
int: !!int "7"
flt: !!float 3
bin64: !!binary aGVsbG8=
empty:
quoted: "true"
ver: 1.10
mac: 00:11:22:33:44:55
ip: 10.0.0.1
dot: .5
trail: 5.
{% endload %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents:
{%- for k, v in d.items() %}
      - "{{ k }}={{ v }}/{{ v is string }}/{{ v is number }}"
{%- endfor %}
