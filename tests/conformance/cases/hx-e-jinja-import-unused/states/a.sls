{% from 'm.jinja' import nothere %}
x: {test: [nop]}
