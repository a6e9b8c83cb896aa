#!yaml
c: "{{ not }} rendered"
