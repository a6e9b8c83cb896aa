f: {test: [{nop: []}, {name: "{{ pillar | json }}"}]}
