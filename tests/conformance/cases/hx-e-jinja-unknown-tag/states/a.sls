{% frobnicate x %}
x: {test: [nop]}
