#!yaml
k: "{{ grains.id }}"
