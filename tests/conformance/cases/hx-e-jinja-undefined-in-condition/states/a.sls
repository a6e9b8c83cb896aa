{% if nothere is defined and nothere == 1 %}
x: {test: [nop]}
{% elif nothere %}
y: {test: [nop]}
{% endif %}
z: {test: [nop]}
